output "keys" {
  description = "Id of each key by its use, once those it is for may use it."
  # Spelt out, so that a plan shows what is encrypted with which key before there is one.
  value      = { for name in keys(var.grants) : name => "projects/${var.project_id}/locations/${var.region}/keyRings/${var.name}/cryptoKeys/${name}" }
  depends_on = [google_kms_crypto_key.this, google_kms_crypto_key_iam_member.this]
}

output "key_ring" {
  description = "Id of the key ring."
  value       = google_kms_key_ring.this.id
}
