variable "project_id" {
  description = "Project in which the network is made."
  type        = string
}

variable "name" {
  description = "Prefix of all names. Changing it makes a new network and destroys everything in the old one."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,16}[a-z0-9]$", var.name))
    error_message = "A name has 3 to 18 lower-case letters, digits and dashes, begins with a letter and does not end with a dash."
  }
}

variable "region" {
  description = "Region of the subnet, the router and its addresses."
  type        = string
}

variable "ranges" {
  description = "Addresses of nodes, pods, services and databases. Changing one replaces the subnet, and with it the cluster."
  type = object({
    nodes    = optional(string, "10.10.0.0/20")
    pods     = optional(string, "10.20.0.0/14")
    services = optional(string, "10.30.0.0/20")
    # First address and length of the range from which Google gives databases their addresses.
    database = optional(string, "10.40.0.0/20")
  })
  default = {}
  validation {
    condition     = alltrue([for range in values(var.ranges) : can(cidrhost(range, 0))])
    error_message = "Every range is an IPv4 network with its length, such as 10.10.0.0/20."
  }
  validation {
    condition     = length(distinct(values(var.ranges))) == length(values(var.ranges))
    error_message = "Nodes, pods, services and databases need four different ranges."
  }
}

variable "flow_sampling" {
  description = "Share of the network's flows that are logged, above 0 and at most 1."
  type        = number
  default     = 0.5
  validation {
    condition     = var.flow_sampling > 0 && var.flow_sampling <= 1
    error_message = "The share of flows that are logged is above 0 and at most 1."
  }
}
