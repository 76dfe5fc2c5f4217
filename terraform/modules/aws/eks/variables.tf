variable "name" {
  description = "Name of the cluster and prefix of its roles. Changing it destroys the cluster."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.name))
    error_message = "name must be 2 to 31 lower case letters, digits and hyphens, and begin with a letter."
  }
}

variable "partition" {
  description = "Partition of AWS: aws, aws-cn or aws-us-gov."
  type        = string
  default     = "aws"

  validation {
    condition     = contains(["aws", "aws-cn", "aws-us-gov"], var.partition)
    error_message = "partition must be aws, aws-cn or aws-us-gov."
  }
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes; upgrades go one minor version at a time, and none goes back."
  type        = string
  default     = "1.36"

  validation {
    condition     = can(regex("^1\\.(3[0-9])$", var.kubernetes_version))
    error_message = "kubernetes_version must be a minor version from 1.30 on, such as 1.36."
  }
}

variable "network_id" {
  description = "Network of the cluster."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of at least two zones. Changing them destroys the cluster."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must name at least two subnets, in different zones."
  }
}

variable "public_access_cidrs" {
  description = "Addresses from which the API may be reached over the internet; empty: from the network alone."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.public_access_cidrs : can(cidrnetmask(cidr)) && try(tonumber(split("/", cidr)[1]) >= 16, false)])
    error_message = "public_access_cidrs must hold IPv4 ranges no wider than /16: the API is not for the whole internet."
  }
}

variable "private_access_cidrs" {
  description = "Addresses of the network, and of networks joined to it, from which the API may be reached besides the nodes: runners, a VPN."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for cidr in var.private_access_cidrs : can(cidrnetmask(cidr))])
    error_message = "private_access_cidrs must hold IPv4 ranges, for example 10.0.0.0/16."
  }
}

variable "service_cidr" {
  description = "Addresses of services inside of the cluster, outside of the network's. Changing it destroys the cluster."
  type        = string
  default     = "172.20.0.0/16"

  validation {
    condition     = can(cidrnetmask(var.service_cidr))
    error_message = "service_cidr must be an IPv4 range, for example 172.20.0.0/16."
  }
}

variable "secrets_key_arn" {
  description = "Key that encrypts Kubernetes' secrets. Changing it destroys the cluster."
  type        = string
}

variable "logs" {
  description = "Logs of the control plane: key, and days they are kept."
  type = object({
    kms_key_arn    = string
    retention_days = optional(number, 365)
  })

  validation {
    condition     = contains([30, 60, 90, 180, 365, 400, 731, 1827], var.logs.retention_days)
    error_message = "logs.retention_days must be 30, 60, 90, 180, 365, 400, 731 or 1827: CloudWatch takes no other number."
  }
}

variable "access_entries" {
  description = "Who may ask the API: a role of IAM, and either groups that RBAC knows or a policy of EKS, for namespaces or, with none, for the cluster."
  type = map(object({
    principal_arn = string
    groups        = optional(set(string), [])
    policy        = optional(string)
    namespaces    = optional(set(string), [])
  }))
  default = {}

  validation {
    condition     = alltrue([for entry in var.access_entries : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/", entry.principal_arn))])
    error_message = "access_entries.principal_arn must be the ARN of a role: users of IAM have long-lived keys."
  }

  validation {
    condition     = alltrue([for entry in var.access_entries : entry.policy == null || contains(["AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy", "AmazonEKSEditPolicy", "AmazonEKSViewPolicy", "AmazonEKSAdminViewPolicy"], coalesce(entry.policy, "-"))])
    error_message = "access_entries.policy must be one of EKS' own access policies, such as AmazonEKSViewPolicy, or be left out."
  }
}

variable "permissions_boundary_arn" {
  description = "Policy that no role of this module may go beyond; null for none."
  type        = string
  default     = null
}
