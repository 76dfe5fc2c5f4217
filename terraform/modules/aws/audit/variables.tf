variable "name" {
  description = "Name of the trail."
  type        = string
}

variable "bucket" {
  description = "Bucket of logs that lets CloudTrail write."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts the trail; CloudTrail and CloudWatch must be let use it."
  type        = string
}

variable "retention_days" {
  description = "Days for which CloudWatch keeps what it can alarm on; the bucket keeps everything for its own time."
  type        = number
  default     = 365

  validation {
    condition     = contains([30, 60, 90, 180, 365, 400, 731, 1827], var.retention_days)
    error_message = "retention_days must be 30, 60, 90, 180, 365, 400, 731 or 1827: CloudWatch takes no other number."
  }
}

variable "object_arns" {
  description = "Beginnings of objects' ARNs of which every read and write is recorded, such as arn:aws:s3:::BUCKET/."
  type        = list(string)
  default     = []
}

variable "permissions_boundary_arn" {
  description = "Policy that no role may go beyond."
  type        = string
  default     = null
}
