# terraform init -backend-config=backend-dev.hcl
# A bucket made by hand beforehand: versioned, without public access, encrypted by a key of yours.
bucket             = "example-dev-terraform-state"
prefix             = "demand/gke/foundation"
kms_encryption_key = "projects/example-dev/locations/europe-west1/keyRings/terraform/cryptoKeys/state"
