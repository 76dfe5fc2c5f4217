variable "name" {
  description = "Prefix of the repositories: NAME/IMAGE."
  type        = string
}

variable "images" {
  description = "Images, each with a repository. Taking one out destroys its images, unless delete_images forbids it."
  type        = set(string)
  default     = ["demandcast", "demandcast-gpu"]

  validation {
    condition     = alltrue([for image in var.images : can(regex("^[a-z0-9][a-z0-9._-]*$", image))])
    error_message = "images must be lower case letters, digits, dots, hyphens and underscores."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the images. Changing it destroys the repositories."
  type        = string
}

variable "keep" {
  description = "Images kept: tagged ones by number, and days of those without a tag."
  type = object({
    tagged        = optional(number, 100)
    untagged_days = optional(number, 14)
  })
  default = {}

  validation {
    condition     = var.keep.tagged >= 10 && var.keep.untagged_days >= 1
    error_message = "keep.tagged must be at least 10, so that a model in service finds its image, and keep.untagged_days at least 1."
  }
}

variable "delete_images" {
  description = "Whether a repository with images in it may be destroyed."
  type        = bool
  default     = false
}
