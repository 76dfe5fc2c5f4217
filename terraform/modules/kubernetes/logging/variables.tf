variable "namespace" {
  description = "Namespace of the collectors and of OpenSearch. Collectors read files of their node, so its pods may be privileged."
  type        = string
}

variable "chart_versions" {
  description = "Versions of the charts of Fluent Bit and OpenSearch."
  type = object({
    fluent_bit = optional(string, "0.58.2")
    opensearch = optional(string, "3.7.0")
  })
  default = {}
  validation {
    condition     = alltrue([for version in values(var.chart_versions) : can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", version))])
    error_message = "Charts are pinned by their full version, such as 3.7.0."
  }
}

variable "destination" {
  description = "Where logs go: an OpenSearch or Elasticsearch that is there (host, port, and the secret of this namespace with username and password); null installs an OpenSearch beside the collectors."
  type = object({
    host   = string
    port   = optional(number, 9200)
    secret = string
  })
  default = null
  validation {
    condition     = !strcontains(try(var.destination.host, "host"), "/")
    error_message = "The destination is a host, without https:// and without a path."
  }
}

variable "opensearch" {
  description = "Nodes of the OpenSearch that is installed, the size of the volume of each in GiB, and the version of its password: raise it for a new installation."
  type = object({
    nodes            = optional(number, 1)
    gib              = optional(number, 20)
    password_version = optional(number, 1)
  })
  default = {}
  validation {
    condition     = contains([1, 3, 5], var.opensearch.nodes)
    error_message = "OpenSearch has 1, 3 or 5 nodes: an even number cannot agree on who leads."
  }
}

variable "storage_class" {
  description = "Class of the volumes; null for the cluster's default."
  type        = string
  default     = null
}
