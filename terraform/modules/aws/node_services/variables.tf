variable "cluster" {
  description = "Name of the cluster, and its region."
  type = object({
    name   = string
    region = string
  })
}

variable "roles" {
  description = "Roles of the service accounts cluster-autoscaler and fluent-bit in kube-system."
  type = object({
    autoscaler = string
    logs       = string
  })

  validation {
    condition     = alltrue([for role in values(var.roles) : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/", role))])
    error_message = "roles must be ARNs of roles, such as arn:aws:iam::111122223333:role/demand-logs."
  }
}

variable "log_group" {
  description = "Log group of CloudWatch into which what pods write is put."
  type        = string
}

variable "chart_versions" {
  description = "Versions of the charts."
  type = object({
    autoscaler = optional(string, "9.50.1")
    gpus       = optional(string, "0.17.4")
    fluent_bit = optional(string, "0.58.2")
  })
  default = {}

  validation {
    condition     = alltrue([for version in values(var.chart_versions) : can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", version))])
    error_message = "chart_versions must be full versions, such as 9.50.1."
  }
}
