output "ids" {
  description = "Id of each secret by its name, once those who need it may read it."
  value       = { for name, secret in google_secret_manager_secret.this : name => secret.id }
  depends_on  = [google_secret_manager_secret_iam_member.this]
}
