variable "project_id" {
  description = "Project of the pool of identities."
  type        = string
}

variable "name" {
  description = "Name of the pool. Google keeps a name that was used for 30 days."
  type        = string
}

variable "service_account_id" {
  description = "Full name of the service account as which CI acts."
  type        = string
}

variable "github" {
  description = "Repository of GitHub (owner/name) and from where in it one may act, as GitHub's tokens say it: ref:refs/heads/main, environment:production; null where there is none."
  type = object({
    repository = string
    subjects   = optional(list(string), ["ref:refs/heads/main"])
  })
  default = null
  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$", try(var.github.repository, "owner/name")))
    error_message = "A repository of GitHub is written owner/name."
  }
  validation {
    condition     = alltrue([for subject in try(var.github.subjects, []) : can(regex("^(ref:refs/|environment:)[A-Za-z0-9_./-]+$", subject))])
    error_message = "From where one may act is ref:refs/heads/BRANCH or environment:NAME, without a pattern: a pull request of a stranger must not match."
  }
}

variable "gitlab" {
  description = "Project of GitLab (group/name), its branches, and the address of the server; null where there is none. Only protected branches may act."
  type = object({
    project  = string
    branches = optional(list(string), ["main"])
    issuer   = optional(string, "https://gitlab.com")
  })
  default = null
  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$", try(var.gitlab.project, "group/name")))
    error_message = "A project of GitLab is written group/name."
  }
  validation {
    condition     = startswith(try(var.gitlab.issuer, "https://"), "https://")
    error_message = "The server of GitLab is reached by https://."
  }
}
