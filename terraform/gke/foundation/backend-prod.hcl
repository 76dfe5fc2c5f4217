# terraform init -backend-config=backend-prod.hcl
# A bucket made by hand beforehand: versioned, without public access, encrypted by a key of yours.
bucket             = "example-prod-terraform-state"
prefix             = "demand/gke/foundation"
kms_encryption_key = "projects/example-prod/locations/europe-west1/keyRings/terraform/cryptoKeys/state"
