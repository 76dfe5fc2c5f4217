output "email" {
  description = "E-mail of the service account, once pods may act as it."
  value       = local.email
  depends_on  = [google_service_account.this, google_project_iam_member.this, google_service_account_iam_member.kubernetes]
}

output "member" {
  description = "The service account as a member of a policy."
  value       = "serviceAccount:${local.email}"
  depends_on  = [google_service_account.this]
}

output "id" {
  description = "Full name of the service account, for policies on it."
  value       = google_service_account.this.name
}
