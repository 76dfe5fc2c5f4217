resource "google_project_iam_audit_config" "this" {
  for_each = var.services
  project  = var.project_id
  service  = each.value

  dynamic "audit_log_config" {
    for_each = toset(["ADMIN_READ", "DATA_READ", "DATA_WRITE"])
    content {
      log_type = audit_log_config.value
    }
  }
}

resource "google_logging_project_sink" "this" {
  project                = var.project_id
  name                   = "${var.name}-audit"
  description            = "Audit logs and the refusals of Binary Authorization, where nobody can delete them"
  destination            = "storage.googleapis.com/${var.bucket}"
  filter                 = "logName:\"cloudaudit.googleapis.com\""
  unique_writer_identity = true
}

resource "google_storage_bucket_iam_member" "sink" {
  bucket = var.bucket
  role   = "roles/storage.objectCreator"
  member = google_logging_project_sink.this.writer_identity
}
