variable "name" {
  description = "Prefix of every name of the network."
  type        = string
}

variable "region" {
  description = "Region, of which the names of the endpoints consist."
  type        = string
}

variable "cidr" {
  description = "Addresses of the network, IPv4, /16 to /20. Changing it destroys the network and everything in it."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.cidr)) && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 20, false)
    error_message = "cidr must be an IPv4 range between /16 and /20, for example 10.0.0.0/16."
  }
}

variable "zones" {
  description = "Three availability zones, each with a private and a public subnet. Changing their order moves subnets, which destroys what is in them."
  type        = list(string)

  validation {
    condition     = length(var.zones) == 3 && length(distinct(var.zones)) == 3
    error_message = "zones must name three different availability zones, because the database and the nodes are spread over three."
  }
}

variable "nat" {
  description = "single: one NAT gateway for all zones, cheap, and its zone is a point of failure; per_zone: one in each."
  type        = string
  default     = "per_zone"

  validation {
    condition     = contains(["single", "per_zone"], var.nat)
    error_message = "nat must be single or per_zone."
  }
}

variable "interface_endpoints" {
  description = "Services of AWS that are reached without leaving the network, besides S3; each costs by zone and hour."
  type        = set(string)
  default     = ["ecr.api", "ecr.dkr", "sts", "logs", "ec2", "secretsmanager", "kms"]

  validation {
    condition     = alltrue([for service in var.interface_endpoints : can(regex("^[a-z0-9.-]+$", service)) && service != "s3"])
    error_message = "interface_endpoints must hold names of services as in com.amazonaws.REGION.NAME, such as ecr.api; S3 always has a gateway."
  }
}

variable "flow_logs" {
  description = "Log of all connections: days it is kept, and the key that encrypts it."
  type = object({
    kms_key_arn    = string
    retention_days = optional(number, 365)
  })

  validation {
    condition     = contains([30, 60, 90, 180, 365, 400, 731, 1827], var.flow_logs.retention_days)
    error_message = "flow_logs.retention_days must be 30, 60, 90, 180, 365, 400, 731 or 1827: CloudWatch takes no other number."
  }
}

variable "permissions_boundary_arn" {
  description = "Policy that no role may go beyond."
  type        = string
  default     = null
}
