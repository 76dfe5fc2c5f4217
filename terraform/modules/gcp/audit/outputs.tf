output "sink" {
  description = "Name of the sink, once it may write."
  value       = google_logging_project_sink.this.name
  depends_on  = [google_storage_bucket_iam_member.sink, google_project_iam_audit_config.this]
}
