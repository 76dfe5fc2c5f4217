variable "name" {
  description = "Prefix: the database is NAME-kfp, its secret NAME-kfp-database."
  type        = string
}

variable "network_id" {
  description = "Network of the database."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of at least two zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must name at least two subnets, in different zones."
  }
}

variable "client_security_groups" {
  description = "Security groups that may connect, by a name for each."
  type        = map(string)
}

variable "keys" {
  description = "Keys that encrypt the disk, and the secret. Changing storage destroys the database."
  type = object({
    storage = string
    secret  = string
  })
}

variable "engine_version" {
  description = "Version of MySQL: 8.4, or 8.0, for which AWS asks extra since August 2026. An upgrade cannot be taken back."
  type        = string
  default     = "8.4"

  validation {
    condition     = contains(["8.0", "8.4"], var.engine_version)
    error_message = "engine_version must be 8.0 or 8.4: Kubeflow Pipelines runs on MySQL 8."
  }
}

variable "size" {
  description = "Kind of machine, GiB of disk to begin with, and to which the disk may grow."
  type = object({
    instance    = optional(string, "db.t4g.medium")
    disk_gib    = optional(number, 20)
    maximum_gib = optional(number, 100)
  })
  default = {}

  validation {
    condition     = startswith(var.size.instance, "db.")
    error_message = "size.instance must be a kind of machine of RDS, such as db.t4g.medium."
  }

  validation {
    condition     = var.size.disk_gib >= 20 && var.size.maximum_gib >= var.size.disk_gib
    error_message = "size.disk_gib must be at least 20 and size.maximum_gib no less."
  }
}

variable "multi_zone" {
  description = "Whether a second machine stands by in another zone."
  type        = bool
  default     = true
}

variable "require_tls" {
  description = "Whether connections without TLS are refused."
  type        = bool
  default     = true
}

variable "backup_days" {
  description = "Days for which any moment can be gone back to."
  type        = number
  default     = 14

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "backup_days must be between 1 and 35."
  }
}

variable "password_version" {
  description = "Raised by one, it gives the database a new password; afterwards pods of Kubeflow Pipelines have to be restarted."
  type        = number
  default     = 1

  validation {
    condition     = var.password_version >= 1
    error_message = "password_version must be 1 or more."
  }
}

variable "protected" {
  description = "Whether AWS refuses to delete the database, and a last snapshot and the secret are kept when it goes."
  type        = bool
  default     = true
}

variable "monitoring_interval" {
  description = "Seconds between measurements of the machine."
  type        = number
  default     = 60

  validation {
    condition     = contains([1, 5, 10, 15, 30, 60], var.monitoring_interval)
    error_message = "monitoring_interval must be 1, 5, 10, 15, 30 or 60."
  }
}

variable "insights_kms_key_arn" {
  description = "Key that encrypts what is measured of queries; null: not measured, which small machines cannot do anyway."
  type        = string
  default     = null
}

variable "partition" {
  description = "Partition of AWS: aws, aws-cn or aws-us-gov."
  type        = string
  default     = "aws"
}

variable "permissions_boundary_arn" {
  description = "Policy that no role may go beyond."
  type        = string
  default     = null
}

variable "logs" {
  description = "Logs of the database: key, and days they are kept."
  type = object({
    kms_key_arn    = string
    retention_days = optional(number, 365)
  })
}
