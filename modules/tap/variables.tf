variable "environment_suffix" {
  description = "The environment's name; with project_name it begins each name."
  nullable    = false
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$", var.environment_suffix))
    error_message = "environment_suffix must be 1 to 20 lower-case letters, digits and hyphens, with no hyphen at either end."
  }
}

variable "project_name" {
  description = "The first part of each name. Changing it replaces everything, the table and its items included."
  default     = "tap"
  nullable    = false
  type        = string

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$", var.project_name))
    error_message = "project_name must be 1 to 40 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "claim_index_enabled" {
  description = "Whether workers find prompts by an index."
  default     = false
  nullable    = false
  type        = bool
}

variable "iam_policies_enabled" {
  description = "Whether there is an IAM policy for each role of programs."
  default     = false
  nullable    = false
  type        = bool
}

variable "alarm_period" {
  description = "The seconds over which the alarms sum: whole minutes."
  default     = 300
  nullable    = false
  type        = number

  validation {
    condition     = var.alarm_period % 60 == 0 && var.alarm_period >= 60 && var.alarm_period <= 86400
    error_message = "alarm_period must be whole minutes in seconds, from 60 to 86400."
  }
}

variable "thresholds" {
  description = "From how many on within alarm_period each alarm fires."
  default     = {}
  nullable    = false
  type        = object({ throttle_alarm = optional(number, 10), system_error_alarm = optional(number, 5), read_throttle_alarm = optional(number, 10), write_throttle_alarm = optional(number, 10) })

  validation {
    condition     = alltrue([for value in values(var.thresholds) : value >= 1 && floor(value) == value])
    error_message = "thresholds must be whole numbers from 1."
  }
}

variable "names" {
  description = "Physical names of what exists under another name. A changed table name replaces the table."
  default     = {}
  nullable    = false
  type        = object({ table = optional(string), key_alias = optional(string), topic = optional(string), dashboard = optional(string), throttle_alarm = optional(string), system_error_alarm = optional(string), read_throttle_alarm = optional(string), write_throttle_alarm = optional(string) })

  validation {
    condition     = var.names.key_alias == null || can(regex("^alias/[A-Za-z0-9/_-]+$", var.names.key_alias))
    error_message = "names.key_alias must begin with alias/."
  }
}

variable "tags" {
  description = "Tags beside Environment, Project and ManagedBy."
  default     = {}
  nullable    = false
  type        = map(string)
}

variable "managed_by" {
  description = "The tag ManagedBy; `cdktf` for a stack that came from there."
  default     = "terraform"
  nullable    = false
  type        = string
}

variable "alert_email" {
  description = "Who is told by e-mail when an alarm changes its state; empty for nobody"
  default     = ""
  nullable    = false
  type        = string

  validation {
    condition     = var.alert_email == "" || can(regex("^[A-Za-z0-9!#&'*+/=?^_|~.-]{1,64}@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$", var.alert_email))
    error_message = "alert_email must be an e-mail address, or \"\" for no e-mail."
  }
}

variable "deletion_protection_enabled" {
  description = "Whether the table refuses to be deleted"
  default     = false
  nullable    = false
  type        = bool
}

variable "point_in_time_recovery_enabled" {
  description = "Whether the table can be restored to any second of the last 35 days"
  default     = false
  nullable    = false
  type        = bool
}
