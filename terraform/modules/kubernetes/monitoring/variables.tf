variable "namespace" {
  description = "Namespace of Prometheus, Alertmanager and Grafana."
  type        = string
}

variable "chart_version" {
  description = "Version of the chart kube-prometheus-stack."
  type        = string
  default     = "85.4.0"
  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.chart_version))
    error_message = "The chart is pinned by its full version, such as 85.4.0."
  }
}

variable "retention" {
  description = "For how many days metrics are kept, and the size of their volume in GiB."
  type = object({
    days = optional(number, 15)
    gib  = optional(number, 20)
  })
  default = {}
  validation {
    condition     = var.retention.days >= 1 && var.retention.gib >= 5
    error_message = "Metrics are kept for at least a day, on a volume of at least 5 GiB."
  }
}

variable "replicas" {
  description = "Replicas of Prometheus and Alertmanager."
  type        = number
  default     = 1
  validation {
    condition     = contains([1, 2], var.replicas)
    error_message = "One replica, or two of which one may vanish."
  }
}

variable "storage_class" {
  description = "Class of the volumes; null for the cluster's default."
  type        = string
  default     = null
}
