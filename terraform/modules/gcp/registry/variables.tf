variable "project_id" {
  description = "Project of the registry."
  type        = string
}

variable "name" {
  description = "Name of the repository. Changing it makes a new one and deletes the old one with its images."
  type        = string
}

variable "region" {
  description = "Region of the repository, that of the cluster: images of 8 GiB are pulled from it."
  type        = string
}

variable "kms_key" {
  description = "Key that encrypts images. Changing it makes a new repository."
  type        = string
}

variable "cleanup" {
  description = "How many of the newest versions of an image are always kept, and after how many days one that has no tag goes."
  type = object({
    keep          = optional(number, 20)
    untagged_days = optional(number, 30)
  })
  default = {}
  validation {
    condition     = var.cleanup.keep >= 1 && var.cleanup.untagged_days >= 1
    error_message = "At least one version of an image is kept, and one without a tag for at least a day."
  }
}

variable "roles" {
  description = "Who may pull and who may push: a name, known beforehand, to a role and an IAM member."
  type        = map(object({ role = string, member = string }))
  default     = {}
  validation {
    condition     = alltrue([for grant in values(var.roles) : contains(["roles/artifactregistry.reader", "roles/artifactregistry.writer"], grant.role)])
    error_message = "A role on the registry is roles/artifactregistry.reader or roles/artifactregistry.writer."
  }
}

variable "labels" {
  description = "Labels of the repository."
  type        = map(string)
  default     = {}
}
