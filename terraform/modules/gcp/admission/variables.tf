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
  description = "Patterns of images that need no signature of ours: those of KFP, Argo and the charts that the platform installs."
  type        = list(string)
  default = [
    "ghcr.io/kubeflow/*", "quay.io/argoproj/*", "ghcr.io/external-secrets/*", "gcr.io/cloud-sql-connectors/cloud-sql-proxy*",
    "gcr.io/tfx-oss-public/ml_metadata_store_server*", "docker.io/tensorflow/serving*",
  ]
  validation {
    condition     = alltrue([for pattern in var.trusted_images : !contains(["*", "**"], pattern) && strcontains(pattern, "/")])
    error_message = "A pattern names a registry: \"*\" alone would let every image in."
  }
}
