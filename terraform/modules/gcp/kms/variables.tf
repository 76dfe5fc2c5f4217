variable "project_id" {
  description = "Project in which the keys are made."
  type        = string
}

variable "name" {
  description = "Name of the key ring. Google never deletes a key ring, so a name can be used once per project and region."
  type        = string
}

variable "region" {
  description = "Region of the keys: that of everything they encrypt."
  type        = string
}

variable "grants" {
  description = "Keys by use, and who may encrypt and decrypt with each: a name, known beforehand, and an IAM member. Removing a key is refused, because what it encrypted would be lost."
  type        = map(map(string))
  validation {
    condition     = length(var.grants) > 0
    error_message = "Name at least one key."
  }
  validation {
    condition     = alltrue(flatten([for key, members in var.grants : [for member in values(members) : startswith(member, "serviceAccount:")]]))
    error_message = "Only service accounts may use a key (serviceAccount:...): people read data through the services that keep it."
  }
}

variable "rotation_period" {
  description = "Age at which a key gets a new version, in seconds; old versions stay and decrypt what they encrypted."
  type        = string
  default     = "7776000s"
  validation {
    condition     = can(regex("^[0-9]+s$", var.rotation_period)) && try(tonumber(trimsuffix(var.rotation_period, "s")) >= 86400 && tonumber(trimsuffix(var.rotation_period, "s")) <= 7776000, false)
    error_message = "Keys are rotated after 1 to 90 days, in seconds: 86400s to 7776000s."
  }
}

variable "labels" {
  description = "Labels of the keys."
  type        = map(string)
  default     = {}
}
