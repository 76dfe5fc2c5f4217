output "issuer" {
  description = "Issuer as module identity takes it."
  value = {
    arn      = var.existing_arn == null ? aws_iam_openid_connect_provider.this[0].arn : var.existing_arn
    issuer   = trimprefix(var.url, "https://")
    audience = var.audience
  }
}
