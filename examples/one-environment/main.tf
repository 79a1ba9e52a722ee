# One environment of the TAP stack, in a project of your own.

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

module "tap" {
  source = "../../modules/tap"

  environment_suffix             = "prod"
  project_name                   = "shop"
  alert_email                    = "ops@example.com"
  point_in_time_recovery_enabled = true

  thresholds = {
    throttle_alarm = 50
  }

  tags = {
    CostCenter = "1234"
  }
}

output "table" {
  value       = module.tap.TurnAroundPromptTableName
  description = "What programs need to store prompts."
}
