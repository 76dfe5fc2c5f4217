terraform {
  required_version = ">= 1.9, < 2"

  required_providers {
    helm = {
      source  = "hashicorp/helm"
      version = ">= 3.1, < 4"
    }
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = ">= 2.38, < 3"
    }
  }

  # Encrypted and locked: backend-dev.hcl, backend-prod.hcl.
  backend "s3" {}
}
