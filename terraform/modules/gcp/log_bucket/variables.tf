variable "project_id" {
  description = "Project of the bucket."
  type        = string
}

variable "name" {
  description = "Name, unique in all of Cloud Storage. With a locked retention the old bucket stays until all in it is old enough."
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits and dashes, without a dash at either end."
  }
}

variable "region" {
  description = "Region of the bucket. Changing it makes a new bucket."
  type        = string
}

variable "kms_key" {
  description = "Key that encrypts the logs."
  type        = string
}

variable "retention" {
  description = "Days in which nobody can delete or change a log, and days after which it is deleted. The lock can never be undone, nor the number of days lowered."
  type = object({
    days        = optional(number, 90)
    delete_days = optional(number, 400)
  })
  default = {}
  validation {
    condition     = var.retention.days >= 1 && var.retention.delete_days >= var.retention.days
    error_message = "Logs are kept for at least a day, and deleted not before they may be."
  }
}

variable "labels" {
  description = "Labels of the bucket."
  type        = map(string)
  default     = {}
}
