output "name" {
  description = "Name of the bucket, once those who need it have their rights."
  value       = google_storage_bucket.this.name
  depends_on  = [google_storage_bucket_iam_member.this]
}

output "url" {
  description = "The bucket as a path, gs://..."
  value       = "gs://${google_storage_bucket.this.name}"
  depends_on  = [google_storage_bucket_iam_member.this]
}
