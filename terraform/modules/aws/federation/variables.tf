variable "url" {
  description = "Issuer of the tokens: https://token.actions.githubusercontent.com, https://gitlab.com, or a GitLab of your own."
  type        = string

  validation {
    condition     = can(regex("^https://[a-z0-9.-]+(/[A-Za-z0-9._/-]+)?$", var.url))
    error_message = "url must begin with https:// and end without a slash, for example https://gitlab.com."
  }
}

variable "audience" {
  description = "For whom the tokens are made."
  type        = string
  default     = "sts.amazonaws.com"
}

variable "existing_arn" {
  description = "ARN of the issuer if the account knows it already, of which it takes one each; null to make it."
  type        = string
  default     = null
}
