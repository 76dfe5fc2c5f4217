variable "project_id" {
  description = "Project of the service account."
  type        = string
}

variable "name" {
  description = "Name of the service account, the part before the @. Changing it makes another one, without the rights of the old."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.name))
    error_message = "A service account's name has 6 to 30 lower-case letters, digits and dashes."
  }
}

variable "description" {
  description = "What it is for, in a few words."
  type        = string
}

variable "project_roles" {
  description = "Roles on the project, for what cannot be given on one thing."
  type        = set(string)
  default     = []
  validation {
    condition     = length(setintersection(var.project_roles, ["roles/owner", "roles/editor", "roles/viewer"])) == 0
    error_message = "Nobody gets a basic role (owner, editor, viewer): name the role that is needed."
  }
  validation {
    condition     = length(setintersection(var.project_roles, ["roles/iam.serviceAccountUser", "roles/iam.serviceAccountTokenCreator", "roles/iam.serviceAccountAdmin", "roles/iam.workloadIdentityUser"])) == 0
    error_message = "Acting as service accounts is allowed for one account at a time, never for all of a project."
  }
}

variable "kubernetes" {
  description = "Service accounts of Kubernetes that act as this one: their namespace and names; null where none does."
  type = object({
    namespace        = string
    service_accounts = set(string)
  })
  default = null
}

variable "workload_pool" {
  description = "Pool of the cluster's identities, project.svc.id.goog."
  type        = string
  default     = null
}
