resource "google_storage_bucket" "this" {
  project                     = var.project_id
  name                        = var.name
  location                    = var.region
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.force_destroy
  labels                      = var.labels

  versioning {
    enabled = true
  }
  encryption {
    default_kms_key_name = var.kms_key
  }
  logging {
    log_bucket        = var.log_bucket
    log_object_prefix = "access/${var.name}"
  }
  soft_delete_policy {
    retention_duration_seconds = var.versions.soft_delete_days * 86400
  }
  # A version goes when it is both old and one too many.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      num_newer_versions         = var.versions.keep
      days_since_noncurrent_time = var.versions.days
      with_state                 = "ARCHIVED"
    }
  }
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }
  dynamic "lifecycle_rule" {
    for_each = var.expire
    content {
      action {
        type = "Delete"
      }
      condition {
        age            = lifecycle_rule.value
        matches_prefix = lifecycle_rule.key == "" ? null : [lifecycle_rule.key]
        with_state     = "LIVE"
      }
    }
  }
  # What has expired stays as a version that has no newer one, so the rule above never takes it.
  dynamic "lifecycle_rule" {
    for_each = var.expire
    content {
      action {
        type = "Delete"
      }
      condition {
        days_since_noncurrent_time = var.versions.days
        matches_prefix             = lifecycle_rule.key == "" ? null : [lifecycle_rule.key]
        with_state                 = "ARCHIVED"
      }
    }
  }
}

resource "google_storage_bucket_iam_member" "this" {
  for_each = var.roles
  bucket   = google_storage_bucket.this.name
  role     = each.value.role
  member   = each.value.member
}
