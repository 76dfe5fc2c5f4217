resource "google_storage_bucket" "logs" {
  #checkov:skip=CKV_GCP_78:A locked retention forbids what versions would undo, and Cloud Storage takes one or the other.
  #checkov:skip=CKV_GCP_62:The bucket that keeps the log of accesses cannot log to itself; the audit log says who reads it.
  #checkov:skip=CKV_GCP_63:It logs nowhere; in a plan checkov takes that for itself.
  project                     = var.project_id
  name                        = var.name
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  labels                      = var.labels

  encryption {
    default_kms_key_name = var.kms_key
  }
  retention_policy {
    is_locked        = true
    retention_period = var.retention.days * 86400
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = var.retention.delete_days
    }
  }
}

# Cloud Storage itself writes the log of accesses.
resource "google_storage_bucket_iam_member" "access_logs" {
  bucket = google_storage_bucket.logs.name
  role   = "roles/storage.objectCreator"
  member = "group:cloud-storage-analytics@google.com"
}
