variable "project_id" {
  description = "Project of the database."
  type        = string
}

variable "name" {
  description = "Name of the instance. Google keeps a name that was used for a week. Changing it makes a new, empty database."
  type        = string
}

variable "region" {
  description = "Region of the instance."
  type        = string
}

variable "network_id" {
  description = "Network in which the instance has its address, once private service access is there."
  type        = string
}

variable "kms_key" {
  description = "Key that encrypts the database. Changing it makes a new, empty one."
  type        = string
}

variable "size" {
  description = "Machine, disk in GB (it grows by itself), and whether a second zone holds a copy that takes over."
  type = object({
    tier             = optional(string, "db-custom-1-3840")
    disk_gb          = optional(number, 20)
    highly_available = optional(bool, false)
  })
  default = {}
  validation {
    condition     = can(regex("^db-(custom-[0-9]+-[0-9]+|n1-(standard|highmem)-[0-9]+)$", var.size.tier))
    error_message = "A machine is db-custom-CPUS-MEGABYTES or db-n1-...; those with shared cores have no assured availability."
  }
  validation {
    condition     = var.size.disk_gb >= 10
    error_message = "The disk has at least 10 GB."
  }
}

variable "backup" {
  description = "When backups begin (UTC), how many are kept, and for how many days one can go back to any moment."
  type = object({
    start     = optional(string, "02:00")
    keep      = optional(number, 14)
    log_days  = optional(number, 7)
    after_end = optional(bool, true)
  })
  default = {}
  validation {
    condition     = var.backup.keep >= 7 && var.backup.log_days >= 1 && var.backup.log_days <= 7
    error_message = "At least 7 backups are kept, and 1 to 7 days of the log with which one goes back to a moment."
  }
}

variable "secret" {
  description = "Id of the secret that gets the user and the password."
  type        = string
}

variable "password_version" {
  description = "Raise it to get a new password, in the database and in the secret; also after an apply that ended between the two."
  type        = number
  default     = 1
  validation {
    condition     = var.password_version >= 1 && floor(var.password_version) == var.password_version
    error_message = "The password's version is a whole number from 1 up."
  }
}

variable "deletion_protection" {
  description = "Whether Terraform and Google refuse to delete the database."
  type        = bool
  default     = true
}

variable "labels" {
  description = "Labels of the database."
  type        = map(string)
  default     = {}
}
