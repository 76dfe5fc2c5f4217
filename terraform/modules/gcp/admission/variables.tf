variable "project_id" {
  description = "Project whose clusters admit images by this policy. A project has one."
  type        = string
}

variable "name" {
  description = "Prefix of the names of the attestor and its key."
  type        = string
}

variable "key_ring" {
  description = "Id of the key ring in which the key that signs is made."
  type        = string
}

variable "signers" {
  description = "Who may sign images: a name, known beforehand, to an IAM member."
  type        = map(string)
  default     = {}
}

variable "enforce" {
  description = "Whether an image without a signature is refused; false only writes it to the audit log."
  type        = bool
  default     = true
}

variable "trusted_images" {
  description = "Patterns of more images that need no signature of ours, besides those of KFP, of what the platform installs and of the model server."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for pattern in var.trusted_images : !contains(["*", "**"], pattern) && strcontains(pattern, "/")])
    error_message = "A pattern names a registry: \"*\" alone would let every image in."
  }
}
