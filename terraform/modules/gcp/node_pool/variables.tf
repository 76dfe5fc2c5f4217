variable "project_id" {
  description = "Project of the cluster."
  type        = string
}

variable "name" {
  description = "Name of the pool, and the value of its nodes' label pool. Changing it makes a new pool and drains the old one."
  type        = string
}

variable "cluster" {
  description = "Name of the cluster."
  type        = string
}

variable "region" {
  description = "Region of the cluster."
  type        = string
}

variable "zones" {
  description = "Zones of the nodes; empty means those of the cluster. GPUs are not in every zone."
  type        = list(string)
  default     = []
}

variable "machine" {
  description = "Machine of a node, its disk, and whether it is a spot machine, which costs less and may vanish. Changes replace nodes one by one."
  type = object({
    type         = optional(string, "e2-standard-4")
    disk_size_gb = optional(number, 100)
    disk_type    = optional(string, "pd-balanced")
    spot         = optional(bool, false)
  })
  default = {}
  validation {
    condition     = var.machine.disk_size_gb >= 50
    error_message = "A node's disk has at least 50 GB: images of the pipeline alone take 12."
  }
}

variable "nodes" {
  description = "Fewest and most nodes, over all zones."
  type = object({
    min = optional(number, 0)
    max = optional(number, 3)
  })
  default = {}
  validation {
    condition     = var.nodes.min >= 0 && var.nodes.max >= 1 && var.nodes.min <= var.nodes.max
    error_message = "A pool has at most as many nodes as its maximum, and not fewer than none."
  }
}

variable "gpu" {
  description = "GPUs of a node, their type, and the driver that Google installs (DEFAULT or LATEST); null for a pool without. Nodes with GPUs take only pods that tolerate nvidia.com/gpu."
  type = object({
    type   = optional(string, "nvidia-l4")
    count  = optional(number, 1)
    driver = optional(string, "DEFAULT")
  })
  default = null
  validation {
    condition     = try(var.gpu.count, 1) >= 1
    error_message = "A pool with GPUs has at least one per node; gpu = null makes a pool without."
  }
  validation {
    condition     = contains(["DEFAULT", "LATEST"], try(var.gpu.driver, "DEFAULT"))
    error_message = "The driver of a GPU is DEFAULT or LATEST."
  }
}

variable "service_account" {
  description = "E-mail of the nodes' service account."
  type        = string
}

variable "kms_key" {
  description = "Key that encrypts the nodes' disks."
  type        = string
}

variable "labels" {
  description = "Labels of the machines, for the bill."
  type        = map(string)
  default     = {}
}
