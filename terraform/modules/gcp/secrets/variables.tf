variable "project_id" {
  description = "Project of the secrets."
  type        = string
}

variable "region" {
  description = "Region in which the secrets are kept."
  type        = string
}

variable "kms_key" {
  description = "Key that encrypts the secrets."
  type        = string
}

variable "secrets" {
  description = "Names of the secrets to the IAM members that may read each; their values are put in by others. Removing a name deletes the secret."
  type        = map(map(string))
  validation {
    condition     = alltrue([for name in keys(var.secrets) : can(regex("^[a-zA-Z0-9_-]{1,255}$", name))])
    error_message = "A secret's name has letters, digits, dashes and underscores."
  }
  validation {
    condition     = alltrue(flatten([for name, members in var.secrets : [for member in values(members) : startswith(member, "serviceAccount:")]]))
    error_message = "Only service accounts read secrets (serviceAccount:...)."
  }
}

variable "labels" {
  description = "Labels of the secrets."
  type        = map(string)
  default     = {}
}
