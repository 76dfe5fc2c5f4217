variable "project_id" {
  description = "Project of the bucket."
  type        = string
}

variable "name" {
  description = "Name, unique in all of Cloud Storage. Changing it makes a new bucket; the old one is only removed when it is empty."
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits and dashes, without a dash at either end."
  }
}

variable "region" {
  description = "Region of the bucket, that of the cluster: reading from another one is slow and is charged. Changing it makes a new bucket."
  type        = string
}

variable "kms_key" {
  description = "Key that encrypts objects."
  type        = string
}

variable "log_bucket" {
  description = "Bucket that keeps the log of accesses."
  type        = string
}

variable "versions" {
  description = "How many older versions of an object are kept, for how many days at least one is, and for how many days what was deleted can be brought back."
  type = object({
    keep             = optional(number, 5)
    days             = optional(number, 30)
    soft_delete_days = optional(number, 7)
  })
  default = {}
  validation {
    condition     = var.versions.keep >= 1 && var.versions.days >= 1
    error_message = "Keep at least one older version for at least one day: a version that is pushed by mistake is undone by them."
  }
  validation {
    condition     = var.versions.soft_delete_days >= 7 && var.versions.soft_delete_days <= 90
    error_message = "What was deleted can be brought back for 7 to 90 days."
  }
}

variable "expire" {
  description = "Prefix of objects to the number of days after which they are deleted; an empty prefix means all objects."
  type        = map(number)
  default     = {}
  validation {
    condition     = alltrue([for days in values(var.expire) : days >= 1])
    error_message = "Objects expire after at least one day."
  }
}

variable "roles" {
  description = "Rights on objects: a name, known beforehand, to a role and an IAM member. Rights on the bucket itself are refused."
  type        = map(object({ role = string, member = string }))
  default     = {}
  validation {
    condition = alltrue([for grant in values(var.roles) : contains([
      "roles/storage.objectViewer", "roles/storage.objectUser", "roles/storage.objectCreator",
    ], grant.role)])
    error_message = "A role on objects is roles/storage.objectViewer, roles/storage.objectUser or roles/storage.objectCreator."
  }
  validation {
    condition     = alltrue([for grant in values(var.roles) : !contains(["allUsers", "allAuthenticatedUsers"], grant.member)])
    error_message = "Nothing in a bucket is public: name a service account or a group."
  }
}

variable "force_destroy" {
  description = "Whether destroying the bucket deletes the objects in it; false refuses while there are any."
  type        = bool
  default     = false
}

variable "labels" {
  description = "Labels of the bucket."
  type        = map(string)
  default     = {}
}
