variable "name" {
  description = "Name of the namespace. Changing it makes a new one and deletes the old one with all in it."
  type        = string
  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.name)) && !startswith(var.name, "kube-")
    error_message = "A namespace has up to 63 lower-case letters, digits and dashes, and those with kube- belong to Kubernetes."
  }
}

variable "labels" {
  description = "More labels, such as serving-clients: demand where pods may ask the model server."
  type        = map(string)
  default     = {}
}

variable "pod_security" {
  description = "What pods may be (privileged, baseline or restricted), and at what level one is warned and it is written to the audit log."
  type = object({
    enforce = optional(string, "restricted")
    warn    = optional(string, "restricted")
  })
  default = {}
  validation {
    condition     = alltrue([for level in values(var.pod_security) : contains(["privileged", "baseline", "restricted"], level)])
    error_message = "A level of pod security is privileged, baseline or restricted."
  }
}

variable "quota" {
  description = "Most of each resource that all pods together may ask for, such as requests.cpu, requests.nvidia.com/gpu or pods; empty sets none."
  type        = map(string)
  default     = {}
}

variable "container_defaults" {
  description = "What a container gets that says nothing itself: requests and limits of cpu and memory; null where others set it."
  type = object({
    requests = optional(map(string), { cpu = "50m", memory = "128Mi" })
    limits   = optional(map(string), { cpu = "1", memory = "1Gi" })
  })
  default = null
}

variable "network" {
  description = "Whether nothing comes in or goes out but DNS and what is said here: whether pods of the namespace reach each other, and ports open to the outside and from it. Null where others set the policies."
  type = object({
    within        = optional(bool, false)
    egress_ports  = optional(list(number), [])
    ingress_ports = optional(list(number), [])
  })
  default = {}
  validation {
    condition     = alltrue([for port in concat(try(var.network.egress_ports, []), try(var.network.ingress_ports, [])) : port >= 1 && port <= 65535])
    error_message = "A port is a number from 1 to 65535."
  }
}
