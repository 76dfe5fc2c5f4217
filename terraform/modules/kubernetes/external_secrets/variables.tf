variable "namespace" {
  description = "Namespace of the operator."
  type        = string
}

variable "chart_version" {
  description = "Version of the chart, and with it of the operator."
  type        = string
  default     = "2.9.0"
  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.chart_version))
    error_message = "The chart is pinned by its full version, such as 2.9.0."
  }
}

variable "replicas" {
  description = "Replicas of the operator and its webhook; from two on, one may vanish."
  type        = number
  default     = 1
  validation {
    condition     = var.replicas >= 1
    error_message = "The operator has at least one replica."
  }
}

variable "service_account_annotations" {
  description = "Annotations of the operator's service account, external-secrets, by which a cloud knows it."
  type        = map(string)
  default     = {}
}
