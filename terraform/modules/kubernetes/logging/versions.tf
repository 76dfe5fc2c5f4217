terraform {
  # Write-only arguments, which keep the password out of the state.
  required_version = ">= 1.11, < 2"
  required_providers {
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = ">= 2.38, < 3"
    }
    helm = {
      source  = "hashicorp/helm"
      version = ">= 3.1, < 4"
    }
  }
}
