variable "foundation" {
  description = "What terraform/eks/foundation made: -var \"foundation=$(terraform -chdir=../foundation output -json foundation)\"."
  type = object({
    account_id             = string
    environment            = string
    name                   = string
    cluster_name           = string
    cluster_endpoint       = string
    cluster_ca_certificate = string
    region                 = string
    buckets                = map(string)
    identities             = map(string)
    registry               = string
    network                = string
    network_cidrs          = object({ all = string, private = string })
    shared_volume          = string
    volumes_key            = string
    log_group              = string
    database = object({
      host        = string
      port        = number
      name        = string
      secret_name = string
    })
  })
  default = null

  validation {
    condition     = var.foundation != null
    error_message = "The platform stands on a foundation: apply terraform/eks/foundation first, then pass what it made: -var \"foundation=$(terraform -chdir=../foundation output -json foundation)\"."
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
    condition     = var.foundation == null || length(setsubtract(["pipeline", "serving", "kfp", "secrets", "nodes", "ci", "autoscaler", "logs"], keys(try(var.foundation.identities, {})))) == 0
    error_message = "The foundation has identities pipeline, serving, kfp, secrets, nodes, ci, autoscaler and logs."
  }
}

variable "environment" {
  description = "dev or prod, as the foundation's."
  type        = string

  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "environment must be dev or prod."
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
    error_message = "quotas are on requests: one on limits would refuse pods of KFP, which have no limit of CPU."
  }
}

variable "monitoring" {
  description = "Prometheus, Alertmanager and Grafana: days that metrics are kept, GiB of their volume, replicas."
  type = object({
    days     = optional(number, 15)
    gib      = optional(number, 20)
    replicas = optional(number, 1)
  })
  default = {}
}

variable "external_secrets" {
  description = "Replicas of the operator that brings secrets into the cluster."
  type = object({
    replicas = optional(number, 1)
  })
  default = {}
}

variable "signing" {
  description = "Who signs images: issuer of the token and the workflow, as their signature names them."
  type = object({
    issuer  = optional(string, "https://token.actions.githubusercontent.com")
    subject = string
  })

  validation {
    condition     = startswith(var.signing.issuer, "https://") && startswith(var.signing.subject, "https://")
    error_message = "signing.issuer and signing.subject must be addresses, https://..."
  }
}
