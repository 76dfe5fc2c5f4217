variable "name" {
  description = "Name of the file system."
  type        = string
}

variable "network_id" {
  description = "Network of the file system."
  type        = string
}

variable "subnets" {
  description = "Private subnets from which it is reached, by zone: one address in each."
  type        = map(string)

  validation {
    condition     = length(var.subnets) > 0
    error_message = "subnets must name at least one subnet."
  }
}

variable "client_security_groups" {
  description = "Security groups that may connect, by a name for each."
  type        = map(string)
}

variable "kms_key_arn" {
  description = "Key that encrypts the files. Changing it destroys them."
  type        = string
}

variable "owner" {
  description = "User and group to whom the folder belongs, as images of the pipeline run."
  type        = number
  default     = 10001

  validation {
    condition     = var.owner >= 1000
    error_message = "owner must be 1000 or more: no pod runs as a user of the system."
  }
}

variable "folder" {
  description = "Folder that pods see. Changing it shows them another, empty one."
  type        = string
  default     = "/serving"

  validation {
    condition     = can(regex("^(/[a-z0-9-]+)+$", var.folder))
    error_message = "folder must begin with / and consist of lower case letters, digits and hyphens, for example /serving."
  }
}

variable "backups" {
  description = "Whether AWS Backup copies the files every day; models can also be trained again."
  type        = bool
  default     = true
}
