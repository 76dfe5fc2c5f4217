terraform {
  # 1.11 has write-only arguments, which keep passwords out of the state.
  required_version = ">= 1.11, < 2"
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
  # The cluster keeps the state in a secret of its own and locks it; which one is said by backend-dev.hcl or backend-prod.hcl.
  backend "kubernetes" {}
}

provider "kubernetes" {
  config_path    = var.kubeconfig.path
  config_context = var.kubeconfig.context
}

provider "helm" {
  kubernetes = {
    config_path    = var.kubeconfig.path
    config_context = var.kubeconfig.context
  }
}
