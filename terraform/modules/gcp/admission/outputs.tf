output "attestor" {
  description = "Full name of the attestor with which CI signs, once the policy asks for it."
  value       = google_binary_authorization_attestor.this.id
  depends_on  = [google_binary_authorization_policy.this]
}

output "signing_key" {
  description = "Version of the key with which CI signs."
  value       = data.google_kms_crypto_key_version.signing.id
  depends_on = [
    google_kms_crypto_key_iam_member.signers, google_container_analysis_note_iam_member.signers, google_binary_authorization_attestor_iam_member.signers,
  ]
}
