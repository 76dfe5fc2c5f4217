terraform {
  # 1.11 has write-only arguments, which keep the database's password out of the state.
  required_version = ">= 1.11, < 2"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 8"
    }
  }
  # Cloud Storage encrypts the state and locks it; which bucket is said by backend-dev.hcl or backend-prod.hcl.
  backend "gcs" {}
}

provider "google" {
  project = var.project_id
  region  = var.region
}
