variable "name" {
  description = "Prefix of the secrets."
  type        = string
}

variable "secrets" {
  description = "Secrets whose values are put in by hand or by another system: what each is for."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for secret in keys(var.secrets) : can(regex("^[a-z][a-z0-9-]*$", secret))])
    error_message = "secrets must have names of lower case letters, digits and hyphens."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the values."
  type        = string
}

variable "recovery_days" {
  description = "Days for which a deleted secret can be had back; 0: none."
  type        = number
  default     = 30

  validation {
    condition     = var.recovery_days == 0 || (var.recovery_days >= 7 && var.recovery_days <= 30)
    error_message = "recovery_days must be 0, or between 7 and 30."
  }
}
