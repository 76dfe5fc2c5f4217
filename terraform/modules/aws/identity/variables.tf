variable "name" {
  description = "Prefix of the roles."
  type        = string
}

variable "issuer" {
  description = "Issuer of tokens of who takes the roles: ARN of its provider in IAM, host and path without https://, and the audience of its tokens."
  type = object({
    arn      = string
    issuer   = string
    audience = optional(string, "sts.amazonaws.com")
  })
}

variable "roles" {
  description = "Roles by name: subjects that may take it, exactly (a pattern with * is refused), the rights as statements, and policies of AWS' own."
  type = map(object({
    subjects = set(string)
    rights = optional(list(object({
      actions    = list(string)
      resources  = list(string)
      conditions = optional(map(map(list(string))), {})
    })), [])
    policy_arns = optional(map(string), {})
  }))

  validation {
    condition     = alltrue([for role in var.roles : length(role.subjects) > 0 && alltrue([for subject in role.subjects : !strcontains(subject, "*")])])
    error_message = "roles.subjects must name who may take the role, such as system:serviceaccount:kubeflow:pipeline-runner, without *."
  }

  validation {
    condition     = alltrue(flatten([for role in var.roles : [for right in role.rights : [for action in right.actions : can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))]]]))
    error_message = "roles.rights.actions must be single actions, such as s3:GetObject, without *."
  }
}

variable "permissions_boundary_arn" {
  description = "Policy that no role may go beyond; null for none."
  type        = string
  default     = null
}
