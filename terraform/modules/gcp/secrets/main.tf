locals {
  readers = merge([
    for secret, members in var.secrets : { for name, member in members : "${secret}/${name}" => { secret = secret, member = member } }
  ]...)
}

resource "google_secret_manager_secret" "this" {
  for_each            = var.secrets
  project             = var.project_id
  secret_id           = each.key
  labels              = var.labels
  version_destroy_ttl = "604800s" # A week in which a version that was destroyed by mistake comes back.

  replication {
    user_managed {
      replicas {
        location = var.region
        customer_managed_encryption {
          kms_key_name = var.kms_key
        }
      }
    }
  }
}

resource "google_secret_manager_secret_iam_member" "this" {
  for_each  = local.readers
  project   = var.project_id
  secret_id = google_secret_manager_secret.this[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = each.value.member
}
