variable "cluster" {
  description = "What cluster it is: kind on a laptop, or any other."
  type        = string
  validation {
    condition     = contains(["kind", "other"], var.cluster)
    error_message = "A cluster is kind or other."
  }
}

variable "kubeconfig" {
  description = "File and context by which the cluster is reached. The context has no default, so that nothing happens to the cluster that was used last."
  type = object({
    path    = optional(string, "~/.kube/config")
    context = string
  })
  validation {
    condition     = length(var.kubeconfig.context) > 0
    error_message = "Name the context of the cluster: kubectl config get-contexts lists them."
  }
  validation {
    condition     = var.cluster != "kind" || startswith(var.kubeconfig.context, "kind-")
    error_message = "kind's contexts begin with kind-: these values for a laptop would go to another cluster."
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

variable "control_plane_cidr" {
  description = "Network from which the API server calls pods and where they reach it. For kind that of its nodes: docker network inspect kind."
  type        = string
  default     = "172.18.0.0/16"
  validation {
    condition     = can(cidrhost(var.control_plane_cidr, 0)) && var.control_plane_cidr != "0.0.0.0/0"
    error_message = "The API server's network is an IPv4 network with its length, such as 172.18.0.0/16, and not all addresses."
  }
}

variable "groups" {
  description = "Groups of people by what they do, as the cluster's own authentication names them, and who delivers for CI."
  type = object({
    platform  = optional(string, "demand:platform")
    developer = optional(string, "demand:developers")
    viewer    = optional(string, "demand:viewers")
    delivery  = optional(string, "demand:delivery")
  })
  default = {}
  validation {
    condition     = alltrue([for group in values(var.groups) : !startswith(group, "system:")])
    error_message = "Groups that begin with system: belong to Kubernetes: everybody or the administrators would get the rights."
  }
}

variable "images" {
  description = "Pattern of our images, and who signs them, as their signature names issuer and workflow."
  type = object({
    pattern = string
    issuer  = optional(string, "https://token.actions.githubusercontent.com")
    subject = string
  })
  validation {
    condition     = strcontains(var.images.pattern, "/")
    error_message = "The pattern of our images names their registry, such as registry.example/demandcast*."
  }
  validation {
    condition     = startswith(var.images.issuer, "https://") && startswith(var.images.subject, "https://")
    error_message = "The issuer and the workflow that signs are addresses, https://..."
  }
}

variable "quotas" {
  description = "Most that all pods of a namespace together may ask for; empty sets none."
  type = object({
    kubeflow = optional(map(string), {})
    serving  = optional(map(string), {})
  })
  default = {}
  validation {
    condition     = alltrue(flatten([for quota in values(var.quotas) : [for resource in keys(quota) : !startswith(resource, "limits.")]]))
    error_message = "Quotas are on requests: one on limits would refuse pods of KFP, which have no limit of CPU."
  }
}

variable "storage_class" {
  description = "Class of volumes to make the cluster's default, where it has none: name, driver and its parameters. Null where it has one, as kind does. Volumes of KFP's database and store keep their data when they are given up, unless reclaim is Delete."
  type = object({
    name        = optional(string, "demand")
    provisioner = string
    parameters  = optional(map(string), {})
    reclaim     = optional(string, "Retain")
  })
  default = null
  validation {
    condition     = contains(["Retain", "Delete"], try(var.storage_class.reclaim, "Retain"))
    error_message = "Volumes that are given up are kept or deleted: Retain or Delete."
  }
}

variable "object_store_secret" {
  description = "Whether the store inside of the cluster gets keys that nobody knows, in place of upstream's, which are the same everywhere. The overlay must then leave upstream's secret out (README)."
  type        = bool
  default     = false
}

variable "external_secrets" {
  description = "External Secrets, where secrets are kept elsewhere: version of its chart, and replicas; null installs none."
  type = object({
    chart_version = optional(string, "2.9.0")
    replicas      = optional(number, 1)
  })
  default = null
}

variable "monitoring" {
  description = "Prometheus, Alertmanager and Grafana: version of the chart, days and GiB of metrics, and replicas; null where the cluster has a Prometheus operator."
  type = object({
    chart_version = optional(string, "85.4.0")
    days          = optional(number, 15)
    gib           = optional(number, 20)
    replicas      = optional(number, 1)
  })
  default = null
}

variable "logging" {
  description = "Collectors of logs, and where these go: an OpenSearch or Elasticsearch that is there (host, port, secret), or one that is installed (nodes, GiB of each); null where the cluster collects them already."
  type = object({
    destination = optional(object({ host = string, port = optional(number, 9200), secret = string }))
    nodes       = optional(number, 1)
    gib         = optional(number, 20)
  })
  default = null
}
