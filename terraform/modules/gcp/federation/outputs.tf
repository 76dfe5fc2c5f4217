output "providers" {
  description = "Full name of each provider, which the workflow gives when it asks for a token; once it may act as the service account."
  value       = { for name, provider in google_iam_workload_identity_pool_provider.this : name => provider.name }
  depends_on  = [google_service_account_iam_member.this]
}
