locals {
  host = try(var.foundation.cluster_endpoint, null)
  ca   = try(base64decode(var.foundation.cluster_ca_certificate), null)

  # A token of a quarter of an hour for whoever runs terraform, asked for when it is needed; nothing is stored.
  token = ["eks", "get-token", "--cluster-name", try(var.foundation.cluster_name, ""), "--region", try(var.foundation.region, "")]
}

provider "kubernetes" {
  host                   = local.host
  cluster_ca_certificate = local.ca

  exec {
    api_version = "client.authentication.k8s.io/v1beta1"
    command     = "aws"
    args        = local.token
  }
}

provider "helm" {
  kubernetes = {
    host                   = local.host
    cluster_ca_certificate = local.ca

    exec = {
      api_version = "client.authentication.k8s.io/v1beta1"
      command     = "aws"
      args        = local.token
    }
  }
}
