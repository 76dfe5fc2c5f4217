variable "project_id" {
  description = "Project of the cluster."
  type        = string
}

variable "name" {
  description = "Name of the cluster. Changing it makes a new cluster and destroys the old one."
  type        = string
}

variable "region" {
  description = "Region of the control plane, which runs in three of its zones."
  type        = string
}

variable "zones" {
  description = "Zones of the nodes; empty leaves the choice to Google."
  type        = list(string)
  default     = []
}

variable "network" {
  description = "Network of the cluster and its subnet. Changing one makes a new cluster."
  type = object({
    id         = string
    subnetwork = string
    nodes      = string
    pods       = optional(string, "pods")
    services   = optional(string, "services")
  })
}

variable "control_plane" {
  description = "Who reaches the API server: networks that may (name to range), besides the nodes; whether it is reached from outside of the network under its DNS name, by IAM; the range of its own addresses; and the Google group that holds all groups of RBAC."
  type = object({
    authorized_networks = optional(map(string), {})
    dns_from_outside    = optional(bool, true)
    cidr                = optional(string, "172.16.0.0/28")
    security_group      = string
  })
  validation {
    condition     = startswith(var.control_plane.security_group, "gke-security-groups@")
    error_message = "Google reads groups for RBAC from one group only, gke-security-groups@your-domain."
  }
  validation {
    condition     = !contains(values(var.control_plane.authorized_networks), "0.0.0.0/0")
    error_message = "The API server is not for all addresses (0.0.0.0/0): name the networks that may reach it."
  }
  validation {
    condition     = endswith(var.control_plane.cidr, "/28") && can(cidrhost(var.control_plane.cidr, 0))
    error_message = "The control plane's own range has 16 addresses, such as 172.16.0.0/28."
  }
}

variable "kms_key" {
  description = "Key that encrypts the cluster's secrets."
  type        = string
}

variable "node_service_account" {
  description = "E-mail of the nodes' service account."
  type        = string
}

variable "release_channel" {
  description = "Channel from which versions of Kubernetes come: RAPID, REGULAR, STABLE or EXTENDED."
  type        = string
  default     = "REGULAR"
  validation {
    condition     = contains(["RAPID", "REGULAR", "STABLE", "EXTENDED"], var.release_channel)
    error_message = "A release channel is RAPID, REGULAR, STABLE or EXTENDED."
  }
}

variable "maintenance" {
  description = "When Google may upgrade: start and end of one window, and how it recurs."
  type = object({
    start      = optional(string, "2026-01-03T03:00:00Z")
    end        = optional(string, "2026-01-03T11:00:00Z")
    recurrence = optional(string, "FREQ=WEEKLY;BYDAY=SA,SU")
  })
  default = {}
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to destroy the cluster."
  type        = bool
  default     = true
}

variable "labels" {
  description = "Labels of the cluster and of everything it makes."
  type        = map(string)
  default     = {}
}
