variable "name" {
  description = "Name of the bucket, unique in the world. Changing it destroys the bucket."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 63 lower case letters, digits and hyphens: prefixes that are too long show here."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts new objects; null: S3's own (AES256), the only one into which S3 writes access logs."
  type        = string
  default     = null
}

variable "access_logs" {
  description = "Bucket into which S3 writes who read and wrote; null for none."
  type = object({
    bucket = string
  })
  default = null
}

variable "lifecycle_days" {
  description = "Days after which objects go by prefix (\"\" for all), and after which replaced versions and unfinished uploads go."
  type = object({
    expire            = optional(map(number), {})
    replaced          = optional(number, 30)
    unfinished_upload = optional(number, 7)
  })
  default = {}

  validation {
    condition     = alltrue([for days in concat(values(var.lifecycle_days.expire), [var.lifecycle_days.replaced, var.lifecycle_days.unfinished_upload]) : days >= 1])
    error_message = "lifecycle_days must be at least 1 each."
  }
}

variable "logs" {
  description = "For a bucket of logs: account that may write, partition, and which of AWS' services write: s3, cloudtrail. Nobody may then delete; lifecycle alone does. null for other buckets."
  type = object({
    account_id = string
    partition  = optional(string, "aws")
    services   = optional(set(string), ["s3"])
  })
  default = null

  validation {
    condition     = alltrue([for service in try(var.logs.services, []) : contains(["s3", "cloudtrail"], service)])
    error_message = "logs.services may hold s3 and cloudtrail."
  }
}

variable "delete_objects" {
  description = "Whether the bucket may be destroyed with objects in it."
  type        = bool
  default     = false
}
