variable "name" {
  description = "Prefix of all names. Changing it destroys everything."
  type        = string
  default     = "demand"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,15}$", var.name))
    error_message = "name must be 2 to 16 lower case letters, digits and hyphens, and begin with a letter: names of buckets are made of it."
  }
}

variable "environment" {
  description = "dev or prod: a tag on everything, nothing else; all differences are values."
  type        = string

  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "environment must be dev or prod."
  }
}

variable "labels" {
  description = "Tags for everything, such as who pays."
  type        = map(string)
  default     = {}
}

variable "account_id" {
  description = "Account into which this goes; credentials of another are refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the twelve digits of an AWS account."
  }
}

variable "region" {
  description = "Region. Changing it leaves everything behind in the old one."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be a region of AWS, such as eu-west-1."
  }
}

variable "network" {
  description = "Addresses, three zones, NAT (single or per_zone), and the services reached by endpoints."
  type = object({
    cidr      = optional(string, "10.0.0.0/16")
    zones     = list(string)
    nat       = optional(string, "per_zone")
    endpoints = optional(set(string), ["ecr.api", "ecr.dkr", "sts", "logs", "ec2", "secretsmanager", "kms"])
  })

  validation {
    condition     = alltrue([for zone in var.network.zones : startswith(zone, var.region)])
    error_message = "network.zones must be zones of the region, such as eu-west-1a in eu-west-1."
  }
}

variable "cluster" {
  description = "Version of Kubernetes, addresses from which the API may be reached over the internet (none: from inside alone), and those inside, besides the nodes: runners, a VPN."
  type = object({
    version              = optional(string, "1.36")
    public_access_cidrs  = optional(set(string), [])
    private_access_cidrs = optional(set(string), [])
  })
  default = {}
}

variable "access_entries" {
  description = "Who may ask the API of Kubernetes; without one for you, you cannot."
  type = map(object({
    principal_arn = string
    groups        = optional(set(string), [])
    policy        = optional(string)
    namespaces    = optional(set(string), [])
  }))
}

variable "addons" {
  description = "Versions of EKS' add-ons by name, null for EKS' default; what is left out is not installed."
  type        = map(string)
  default = {
    vpc-cni                = null
    kube-proxy             = null
    eks-pod-identity-agent = null
    coredns                = null
    aws-ebs-csi-driver     = null
    aws-efs-csi-driver     = null
  }

  validation {
    condition     = alltrue([for addon in keys(var.addons) : contains(["vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "aws-ebs-csi-driver", "aws-efs-csi-driver"], addon)])
    error_message = "addons may hold vpc-cni, kube-proxy, eks-pod-identity-agent, coredns, aws-ebs-csi-driver and aws-efs-csi-driver."
  }
}

variable "node_pools" {
  description = "Machines, numbers and disks of the pools cpu and gpu; gpu begins at none."
  type = object({
    cpu = object({
      types    = optional(list(string), ["m6i.2xlarge"])
      capacity = optional(string, "ON_DEMAND")
      min      = optional(number, 2)
      max      = optional(number, 6)
      disk_gib = optional(number, 100)
    })
    gpu = object({
      types    = optional(list(string), ["g5.2xlarge"])
      capacity = optional(string, "ON_DEMAND")
      min      = optional(number, 0)
      max      = optional(number, 2)
      disk_gib = optional(number, 200)
    })
  })
  default = { cpu = {}, gpu = {} }

  validation {
    condition     = var.node_pools.cpu.min >= 1
    error_message = "node_pools.cpu.min must be at least 1: what keeps the cluster going needs a node."
  }
}

variable "database" {
  description = "MySQL of Kubeflow Pipelines: version, machine, disk, a second zone, days of backups, and number of its password."
  type = object({
    engine_version   = optional(string, "8.4")
    instance         = optional(string, "db.t4g.medium")
    disk_gib         = optional(number, 20)
    maximum_gib      = optional(number, 100)
    multi_zone       = optional(bool, true)
    require_tls      = optional(bool, true)
    backup_days      = optional(number, 14)
    password_version = optional(number, 1)
    insights         = optional(bool, false)
  })
  default = {}
}

variable "images" {
  description = "Images for which there is a repository."
  type        = set(string)
  default     = ["demandcast", "demandcast-gpu"]
}

variable "secrets" {
  description = "More secrets that External Secrets may bring into the cluster: name, and what for. Values are put in by hand."
  type        = map(string)
  default     = {}
}

variable "ci" {
  description = "Jobs that may push images and submit runs: issuer of their tokens and subjects, one by one. null: none. existing_arn if the account knows the issuer already; submits: whether they reach the cluster's API, as group demand:delivery."
  type = object({
    url          = string
    audience     = optional(string, "sts.amazonaws.com")
    subjects     = set(string)
    existing_arn = optional(string)
    submits      = optional(bool, true)
  })
  default = null
}

variable "retention_days" {
  description = "Days that are kept: logs in CloudWatch, access logs in the bucket, replaced versions of objects, artifacts of runs."
  type = object({
    logs        = optional(number, 365)
    access_logs = optional(number, 400)
    versions    = optional(number, 30)
    artifacts   = optional(number, 180)
  })
  default = {}
}

variable "volume_backups" {
  description = "Whether the volume with the models is copied every day."
  type        = bool
  default     = true
}

variable "audit" {
  description = "Whether this makes a trail of AWS' API; an organisation's own trail makes it needless."
  type        = bool
  default     = true
}

variable "protected" {
  description = "Whether what holds data refuses to be destroyed. To destroy everything, apply false first."
  type        = bool
  default     = true
}

variable "permissions_boundary_arn" {
  description = "Policy that no role may go beyond; null for none."
  type        = string
  default     = null
}
