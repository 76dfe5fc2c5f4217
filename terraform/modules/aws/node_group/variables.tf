variable "name" {
  description = "Name of the pool: nodes get the label pool with it. Changing it replaces the nodes."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}$", var.name))
    error_message = "name must be up to 31 lower case letters, digits and hyphens, and begin with a letter."
  }
}

variable "cluster_name" {
  description = "Name of the cluster."
  type        = string
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes of the nodes, not newer than the cluster's."
  type        = string
}

variable "role_arn" {
  description = "Role of the nodes."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets in which nodes are put. Changing them replaces the nodes."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids must name at least one subnet."
  }
}

variable "security_group_ids" {
  description = "Security groups of the nodes; the cluster's own must be among them."
  type        = list(string)
}

variable "instances" {
  description = "Types of machine, the first that is to be had; whether bought on demand or spare (SPOT); whether they have NVIDIA's GPUs, which means an image with drivers and a taint that keeps everything else away. Changing them replaces the nodes."
  type = object({
    types    = list(string)
    capacity = optional(string, "ON_DEMAND")
    gpu      = optional(bool, false)
  })

  validation {
    condition     = length(var.instances.types) > 0
    error_message = "instances.types must name at least one type of machine."
  }

  validation {
    condition     = contains(["ON_DEMAND", "SPOT"], var.instances.capacity)
    error_message = "instances.capacity must be ON_DEMAND or SPOT."
  }

  validation {
    condition     = !var.instances.gpu || alltrue([for type in var.instances.types : can(regex("^(g|p)[0-9]", type))])
    error_message = "instances.types must have a GPU where gpu is true: families g and p, such as g5.2xlarge."
  }
}

variable "size" {
  description = "Fewest and most nodes; between them the autoscaler decides."
  type = object({
    min = number
    max = number
  })

  validation {
    condition     = var.size.min >= 0 && var.size.max >= 1 && var.size.min <= var.size.max
    error_message = "size must be 0 <= min <= max with max at least 1."
  }
}

variable "disk" {
  description = "Root disk of each node: GiB, and the key that encrypts it."
  type = object({
    kms_key_arn = string
    size_gib    = optional(number, 100)
  })

  validation {
    condition     = var.disk.size_gib >= 50 && var.disk.size_gib <= 16384
    error_message = "disk.size_gib must be between 50 and 16384: images of the pipeline alone take 12 GiB."
  }
}

variable "labels" {
  description = "More labels of the nodes, besides pool."
  type        = map(string)
  default     = {}

  validation {
    condition     = !contains(keys(var.labels), "pool")
    error_message = "labels must not hold pool: it is the name of the pool."
  }
}

variable "tags" {
  description = "Tags of machines and disks, which the provider's default tags do not reach."
  type        = map(string)
  default     = {}
}
