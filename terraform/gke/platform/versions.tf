terraform {
  required_version = ">= 1.9, < 2"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 8"
    }
    helm = {
      source  = "hashicorp/helm"
      version = ">= 3.1, < 4"
    }
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = ">= 2.38, < 3"
    }
  }
  # Cloud Storage encrypts the state and locks it; which bucket is said by backend-dev.hcl or backend-prod.hcl.
  backend "gcs" {}
}

provider "google" {
  project = try(var.foundation.project_id, null)
  region  = try(var.foundation.region, null)
}

data "google_client_config" "current" {}

locals {
  host = var.foundation == null ? null : "https://${var.foundation.cluster_endpoint}"
  # The DNS name has a certificate of an authority that systems trust already, the address one of the cluster's.
  ca = try(endswith(var.foundation.cluster_endpoint, ".goog") ? null : base64decode(var.foundation.cluster_ca_certificate), null)
}

provider "kubernetes" {
  host                   = local.host
  token                  = data.google_client_config.current.access_token
  cluster_ca_certificate = local.ca
}

provider "helm" {
  kubernetes = {
    host                   = local.host
    token                  = data.google_client_config.current.access_token
    cluster_ca_certificate = local.ca
  }
}
