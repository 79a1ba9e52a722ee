# Several environments of the TAP stack in one account and one state.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0, < 7.0.0"
    }
  }
}

provider "aws" {
  region = "us-east-1"
}

variable "environments" {
  type = map(object({
    claim_index_enabled = optional(bool, false)
    alarm_period        = optional(number, 300)
  }))
  description = "Each environment's own settings."
  default = {
    dev  = {}
    prod = { claim_index_enabled = true, alarm_period = 60 }
  }
}

module "tap" {
  source   = "../../modules/tap"
  for_each = var.environments

  environment_suffix  = each.key
  claim_index_enabled = each.value.claim_index_enabled
  alarm_period        = each.value.alarm_period
}

output "environments" {
  value       = module.tap
  description = "The outputs of each environment; null for those of the IAM policies where there are none."
}
