terraform {
  required_version = ">= 1.9, < 2"
  required_providers {
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = ">= 2.38, < 3"
    }
  }
}
