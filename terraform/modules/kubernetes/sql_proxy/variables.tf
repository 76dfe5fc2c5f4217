variable "namespace" {
  description = "Namespace of Kubeflow Pipelines."
  type        = string
}

variable "instance" {
  description = "Database, as Google names it: project:region:name."
  type        = string
  validation {
    condition     = length(split(":", var.instance)) >= 3
    error_message = "A database is named project:region:name."
  }
}

variable "address" {
  description = "Private address of the database."
  type        = string
}

variable "identity" {
  description = "E-mail of the service account as which the proxy asks for its certificate."
  type        = string
}

variable "name" {
  description = "Name of the proxy, its service and its service account of Kubernetes."
  type        = string
  default     = "cloud-sql-proxy"
}

variable "image" {
  description = "Image of the proxy, by tag or digest."
  type        = string
  default     = "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.25.4"
  validation {
    condition     = can(regex("(:[0-9]+\\.[0-9]+\\.[0-9]+|@sha256:[0-9a-f]{64})$", var.image))
    error_message = "The image is pinned by its full version or its digest."
  }
}

variable "replicas" {
  description = "Replicas of the proxy."
  type        = number
  default     = 2
  validation {
    condition     = var.replicas >= 1
    error_message = "The proxy has at least one replica."
  }
}
