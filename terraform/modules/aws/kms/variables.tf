variable "name" {
  description = "Prefix of the aliases."
  type        = string
}

variable "account" {
  description = "Account, region and partition in which the keys live."
  type = object({
    id        = string
    region    = string
    partition = optional(string, "aws")
  })

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account.id))
    error_message = "account.id must be the twelve digits of an AWS account."
  }
}

variable "keys" {
  description = "Keys by use. services: who of AWS encrypts with it besides the account's own roles: logs (CloudWatch), cloudtrail, disks (EC2 and its autoscaling)."
  type = map(object({
    description   = string
    services      = optional(set(string), [])
    rotation_days = optional(number, 90)
  }))

  validation {
    condition     = alltrue([for key in var.keys : alltrue([for service in key.services : contains(["logs", "cloudtrail", "disks"], service)])])
    error_message = "keys.services may hold logs, cloudtrail and disks."
  }

  validation {
    condition     = alltrue([for key in var.keys : key.rotation_days >= 90 && key.rotation_days <= 2560])
    error_message = "keys.rotation_days must be between 90 and 2560: KMS rotates no faster and no slower."
  }
}

variable "deletion_window_days" {
  description = "Days for which a deleted key can still be had back, and with it everything that it encrypts."
  type        = number
  default     = 30

  validation {
    condition     = var.deletion_window_days >= 7 && var.deletion_window_days <= 30
    error_message = "deletion_window_days must be between 7 and 30."
  }
}
