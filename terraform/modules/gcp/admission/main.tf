locals {
  # KFP with its store, its metadata and the containers that wait for them (alpine), what the platform root installs,
  # the model server. Those of Docker Hub as their manifests write them, and in full.
  docker_hub = ["chrislusf/seaweedfs*", "tensorflow/serving*"]
  trusted_images = concat([
    "ghcr.io/kubeflow/*", "quay.io/argoproj/*", "gcr.io/tfx-oss-public/ml_metadata_store_server*",
    "ghcr.io/external-secrets/*", "gcr.io/cloud-sql-connectors/cloud-sql-proxy*",
    "alpine:*", "docker.io/library/alpine:*",
  ], local.docker_hub, [for image in local.docker_hub : "docker.io/${image}"], var.trusted_images)
}

resource "google_kms_crypto_key" "signing" {
  name                          = "signing"
  key_ring                      = var.key_ring
  purpose                       = "ASYMMETRIC_SIGN"
  destroy_scheduled_duration    = "2592000s"
  skip_initial_version_creation = false

  version_template {
    algorithm        = "EC_SIGN_P256_SHA256"
    protection_level = "SOFTWARE"
  }
  lifecycle {
    prevent_destroy = true
  }
}

data "google_kms_crypto_key_version" "signing" {
  crypto_key = google_kms_crypto_key.signing.id
}

resource "google_container_analysis_note" "this" {
  project = var.project_id
  name    = "${var.name}-built"

  attestation_authority {
    hint {
      human_readable_name = "Built and scanned by CI of ${var.name}"
    }
  }
}

resource "google_binary_authorization_attestor" "this" {
  project     = var.project_id
  name        = "${var.name}-built"
  description = "CI built the image from a protected branch, and its scan was clean"

  attestation_authority_note {
    note_reference = google_container_analysis_note.this.name
    public_keys {
      id = data.google_kms_crypto_key_version.signing.id
      pkix_public_key {
        public_key_pem      = try(data.google_kms_crypto_key_version.signing.public_key[0].pem, null)
        signature_algorithm = try(data.google_kms_crypto_key_version.signing.public_key[0].algorithm, null)
      }
    }
  }
}

resource "google_binary_authorization_policy" "this" {
  project                       = var.project_id
  description                   = "Images of ours are signed; those of others are named"
  global_policy_evaluation_mode = "ENABLE" # Google's own system images.

  default_admission_rule {
    evaluation_mode         = "REQUIRE_ATTESTATION"
    enforcement_mode        = var.enforce ? "ENFORCED_BLOCK_AND_AUDIT_LOG" : "DRYRUN_AUDIT_LOG_ONLY"
    require_attestations_by = [google_binary_authorization_attestor.this.name]
  }
  dynamic "admission_whitelist_patterns" {
    for_each = local.trusted_images
    content {
      name_pattern = admission_whitelist_patterns.value
    }
  }
}

resource "google_kms_crypto_key_iam_member" "signers" {
  for_each      = var.signers
  crypto_key_id = google_kms_crypto_key.signing.id
  role          = "roles/cloudkms.signerVerifier"
  member        = each.value
}

resource "google_container_analysis_note_iam_member" "signers" {
  for_each = var.signers
  project  = var.project_id
  note     = google_container_analysis_note.this.name
  role     = "roles/containeranalysis.notes.attacher"
  member   = each.value
}

resource "google_binary_authorization_attestor_iam_member" "signers" {
  for_each = var.signers
  project  = var.project_id
  attestor = google_binary_authorization_attestor.this.name
  role     = "roles/binaryauthorization.attestorsViewer"
  member   = each.value
}
