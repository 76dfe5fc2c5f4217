output "name" {
  description = "Name of the bucket, once Cloud Storage may write to it."
  value       = google_storage_bucket.logs.name
  depends_on  = [google_storage_bucket_iam_member.access_logs]
}
