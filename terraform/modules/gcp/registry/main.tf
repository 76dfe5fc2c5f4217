resource "google_artifact_registry_repository" "this" {
  project                = var.project_id
  location               = var.region
  repository_id          = var.name
  description            = "Images of the pipeline and the server"
  format                 = "DOCKER"
  kms_key_name           = var.kms_key
  labels                 = var.labels
  cleanup_policy_dry_run = false

  docker_config {
    immutable_tags = true
  }
  vulnerability_scanning_config {
    enablement_config = "INHERITED"
  }
  # What a policy keeps no other deletes.
  cleanup_policies {
    id     = "keep-newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = var.cleanup.keep
    }
  }
  cleanup_policies {
    id     = "delete-untagged"
    action = "DELETE"
    condition {
      tag_state  = "UNTAGGED"
      older_than = "${var.cleanup.untagged_days * 86400}s"
    }
  }
}

resource "google_artifact_registry_repository_iam_member" "this" {
  for_each   = var.roles
  project    = var.project_id
  location   = var.region
  repository = google_artifact_registry_repository.this.name
  role       = each.value.role
  member     = each.value.member
}
