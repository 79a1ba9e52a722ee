# A Terraform project of another team that reads a TAP stack's outputs from its state. It needs no provider for that.

terraform {
  required_version = ">= 1.11"
}

variable "backend" {
  type        = string
  default     = "s3"
  description = "The kind of backend that the stack's state is in: s3, or local for a file."
}

variable "config" {
  type        = map(string)
  description = "Where in it: bucket, key and region of an S3 backend, the path of a file."
}

data "terraform_remote_state" "tap" {
  backend = var.backend
  config  = var.config
}

output "tap" {
  value       = data.terraform_remote_state.tap.outputs
  description = "All nine outputs, such as TurnAroundPromptTableArn for a policy, or SNSTopicArn for a subscription."
}
