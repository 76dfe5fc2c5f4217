variable "cluster_name" {
  description = "Name of the cluster."
  type        = string
}

variable "addons" {
  description = "Add-ons by EKS' name: version (null: EKS' default for the cluster's version), role of its service account, and configuration as JSON."
  type = map(object({
    version       = optional(string)
    role_arn      = optional(string)
    configuration = optional(string)
  }))
  default = {}

  validation {
    condition     = alltrue([for addon in var.addons : addon.configuration == null || can(jsondecode(coalesce(addon.configuration, "{}")))])
    error_message = "addons.configuration must be JSON, for example jsonencode({ replicaCount = 2 })."
  }
}
