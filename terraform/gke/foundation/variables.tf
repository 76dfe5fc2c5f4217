variable "project_id" {
  description = "Project for all of it, and for nothing else: one for dev, one for prod."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "A project's id has 6 to 30 lower-case letters, digits and dashes."
  }
}

variable "region" {
  description = "Region of everything. Changing it makes all of it anew."
  type        = string
}

variable "zones" {
  description = "Zones of the nodes; empty leaves the choice to Google."
  type        = list(string)
  default     = []
}

variable "name" {
  description = "Prefix of all names. Changing it makes all of it anew."
  type        = string
  default     = "demand"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}[a-z0-9]$", var.name))
    error_message = "A name has 3 to 16 lower-case letters, digits and dashes, begins with a letter and does not end with a dash."
  }
}

variable "environment" {
  description = "What it is for: dev or prod. Production cannot be destroyed by accident."
  type        = string
  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "An environment is dev or prod."
  }
}

variable "labels" {
  description = "More labels for everything that can have some."
  type        = map(string)
  default     = {}
}

variable "ranges" {
  description = "Addresses of nodes, pods, services and databases."
  type = object({
    nodes    = optional(string, "10.10.0.0/20")
    pods     = optional(string, "10.20.0.0/14")
    services = optional(string, "10.30.0.0/20")
    database = optional(string, "10.40.0.0/20")
  })
  default = {}
}

variable "control_plane" {
  description = "Who reaches the API server; security_group is the Google group gke-security-groups@your-domain."
  type = object({
    authorized_networks = optional(map(string), {})
    dns_from_outside    = optional(bool, true)
    cidr                = optional(string, "172.16.0.0/28")
    security_group      = string
    release_channel     = optional(string, "REGULAR")
  })
}

variable "cpu_pool" {
  description = "Nodes for everything that needs no GPU: their machine, and fewest and most of them."
  type = object({
    machine_type = optional(string, "e2-standard-8")
    disk_size_gb = optional(number, 100)
    spot         = optional(bool, false)
    min          = optional(number, 2)
    max          = optional(number, 6)
  })
  default = {}
  validation {
    condition     = var.cpu_pool.min >= 1
    error_message = "The pool cpu has at least one node: KFP itself runs on it."
  }
}

variable "gpu_pool" {
  description = "Nodes with GPUs, which come from nothing when a pod asks for one: their machine, GPU, zones that have it, and most of them."
  type = object({
    machine_type = optional(string, "g2-standard-12")
    disk_size_gb = optional(number, 200)
    spot         = optional(bool, false)
    gpu          = optional(string, "nvidia-l4")
    gpus         = optional(number, 1)
    zones        = optional(list(string), [])
    max          = optional(number, 2)
  })
  default = {}
  validation {
    condition     = var.gpu_pool.max >= 1
    error_message = "At least one node with a GPU may come; none costs anything as long as no pod asks."
  }
}

variable "database" {
  description = "Database of KFP: machine, disk, a copy in a second zone, and the version of its password."
  type = object({
    tier             = optional(string, "db-custom-1-3840")
    disk_gb          = optional(number, 20)
    highly_available = optional(bool, false)
    password_version = optional(number, 1)
  })
  default = {}
}

variable "storage" {
  description = "How long artifacts of runs live (days; null keeps them), how long logs are locked and when they go. The lock cannot be undone."
  type = object({
    artifact_days    = optional(number)
    log_days         = optional(number, 90)
    log_delete_days  = optional(number, 400)
    soft_delete_days = optional(number, 7)
  })
  default = {}
}

variable "ci" {
  description = "Where CI runs that pushes images and submits pipelines: a repository of GitHub and its branches or environments (ref:refs/heads/main, environment:production), or a project of GitLab."
  type = object({
    github = optional(object({ repository = string, subjects = optional(list(string), ["ref:refs/heads/main"]) }))
    gitlab = optional(object({ project = string, branches = optional(list(string), ["main"]), issuer = optional(string, "https://gitlab.com") }))
  })
  default = {}
}

variable "admission" {
  description = "Whether images without a signature are refused, or only logged; and patterns of others' images that need none, besides those of the platform."
  type = object({
    enforce        = optional(bool, true)
    trusted_images = optional(list(string), [])
  })
  default = {}
}

variable "sql_proxy_service_account" {
  description = "Service account of Kubernetes, in kubeflow, under which the Auth Proxy runs that stands before the database."
  type        = string
  default     = "cloud-sql-proxy"
}
