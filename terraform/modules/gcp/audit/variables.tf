variable "project_id" {
  description = "Project whose audit logs are kept."
  type        = string
}

variable "name" {
  description = "Prefix of the sink's name."
  type        = string
}

variable "bucket" {
  description = "Bucket that keeps the audit logs."
  type        = string
}

variable "services" {
  description = "Services of which reading and writing of data is logged, too; changes of settings always are. The module owns the project's setting for each."
  type        = set(string)
  default = [
    "artifactregistry.googleapis.com", "cloudkms.googleapis.com", "cloudsql.googleapis.com", "container.googleapis.com",
    "iam.googleapis.com", "secretmanager.googleapis.com", "storage.googleapis.com", "sts.googleapis.com",
  ]
  validation {
    condition     = length(var.services) > 0 && alltrue([for service in var.services : service == "allServices" || endswith(service, ".googleapis.com")])
    error_message = "Name at least one service as Google does, such as storage.googleapis.com, or allServices."
  }
}
