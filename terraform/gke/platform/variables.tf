variable "foundation" {
  description = "What terraform/gke/foundation made: TF_VAR_foundation=\"$(terraform -chdir=../foundation output -json foundation)\"."
  type = object({
    project_id             = string
    environment            = string
    name                   = string
    cluster_name           = string
    cluster_endpoint       = string
    cluster_ca_certificate = string
    control_plane_cidr     = string
    region                 = string
    buckets                = map(string)
    identities             = map(string)
    registry               = string
    network                = string
    database = object({
      host        = string
      port        = number
      name        = string
      secret_name = string
      instance    = string
    })
  })
  default = null
  validation {
    condition     = var.foundation != null
    error_message = "The platform stands on a foundation: apply terraform/gke/foundation first, then set TF_VAR_foundation=\"$(terraform -chdir=../foundation output -json foundation)\"."
  }
  validation {
    condition     = try(var.foundation.environment, var.environment) == var.environment
    error_message = "This foundation is of another environment than the values: use the same one, dev or prod, for both."
  }
  validation {
    condition     = length(setsubtract(["pipeline_root", "data", "serving", "logs"], keys(try(var.foundation.buckets, { pipeline_root = "", data = "", serving = "", logs = "" })))) == 0
    error_message = "The foundation has buckets pipeline_root, data, serving and logs."
  }
  validation {
    condition     = length(setsubtract(["pipeline", "serving", "kfp", "secrets", "nodes", "ci"], keys(try(var.foundation.identities, { pipeline = "", serving = "", kfp = "", secrets = "", nodes = "", ci = "" })))) == 0
    error_message = "The foundation has identities pipeline, serving, kfp, secrets, nodes and ci."
  }
}

variable "environment" {
  description = "What it is for: dev or prod."
  type        = string
  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "An environment is dev or prod."
  }
}

variable "groups" {
  description = "Groups of people by what they do, members of gke-security-groups@your-domain: platform, developer, viewer."
  type = object({
    platform  = string
    developer = string
    viewer    = string
  })
  validation {
    condition     = alltrue([for group in values(var.groups) : can(regex("^[^@ ]+@[^@ ]+$", group))])
    error_message = "A group of Google is an e-mail address."
  }
}

variable "quotas" {
  description = "Most that all pods of a namespace together may ask for."
  type = object({
    kubeflow = optional(map(string), { "requests.cpu" = "64", "requests.memory" = "256Gi", "requests.nvidia.com/gpu" = "2", "pods" = "200", "services.loadbalancers" = "0" })
    serving  = optional(map(string), { "requests.cpu" = "32", "requests.memory" = "64Gi", "pods" = "40", "services.loadbalancers" = "0" })
  })
  default = {}
  validation {
    condition     = alltrue(flatten([for quota in values(var.quotas) : [for resource in keys(quota) : !startswith(resource, "limits.")]]))
    error_message = "Quotas are on requests: one on limits would refuse pods of KFP, which have no limit of CPU."
  }
}

variable "external_secrets" {
  description = "Version of the chart of External Secrets, and replicas."
  type = object({
    chart_version = optional(string, "2.9.0")
    replicas      = optional(number, 1)
  })
  default = {}
}

variable "sql_proxy" {
  description = "Image of the proxy that stands before the database, best by digest, and replicas."
  type = object({
    image    = optional(string, "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.25.4")
    replicas = optional(number, 1)
  })
  default = {}
}

variable "signing" {
  description = "Who signs images outside of Binary Authorization: issuer of the token and the workflow, as their signature names them."
  type = object({
    issuer  = optional(string, "https://token.actions.githubusercontent.com")
    subject = string
  })
  validation {
    condition     = startswith(var.signing.issuer, "https://") && startswith(var.signing.subject, "https://")
    error_message = "The issuer and the workflow that signs are addresses, https://..."
  }
}
