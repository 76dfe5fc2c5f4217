# Given one by one for people, and together for the platform.
locals {
  outputs = {
    buckets       = merge({ for key, bucket in module.buckets : key => bucket.name }, { logs = module.logs_bucket.name })
    identities    = merge(module.pods.arns, { nodes = module.eks.nodes_role_arn, ci = try(module.ci[0].arns["ci"], null) })
    network_cidrs = { all = module.network.cidr, private = module.network.private_cidr }
  }
}

output "cluster_name" {
  description = "Name of the cluster, once its nodes and add-ons are there."
  value       = module.eks.name

  depends_on = [module.node_pools, module.addons]
}

output "cluster_endpoint" {
  description = "Address of the API of Kubernetes."
  value       = module.eks.endpoint
}

output "cluster_ca_certificate" {
  description = "Certificate of the API's authority, base64."
  value       = module.eks.ca_certificate
  sensitive   = true
}

output "region" {
  description = "Region."
  value       = var.region
}

output "buckets" {
  description = "Names of the buckets by what they are for."
  value       = local.outputs.buckets
}

output "identities" {
  description = "ARN of each role by whose it is; ci is null where no jobs were named."
  value       = local.outputs.identities
}

output "registry" {
  description = "Prefix of the images' names: REGISTRY/demandcast@sha256:..."
  value       = module.registry.url
}

output "database" {
  description = "Where Kubeflow Pipelines finds its database, and the secret with username and password."
  value = {
    host        = module.database.host
    port        = module.database.port
    name        = module.database.name
    secret_name = module.database.secret_name
  }
}

output "network" {
  description = "Id of the network."
  value       = module.network.id
}

output "network_cidrs" {
  description = "Addresses of the network, where the API of Kubernetes is, and of its private subnets, where the database is."
  value       = local.outputs.network_cidrs
}

output "shared_volume" {
  description = "volumeHandle of the persistent volume through which models get to the server (serving/k8s/components/models-on-efs)."
  value       = module.shared_volume.handle
}

output "volumes_key" {
  description = "Key that encrypts volumes of pods."
  value       = module.kms.arns["volumes"]
}

output "log_group" {
  description = "Log group into which what pods write is put."
  value       = aws_cloudwatch_log_group.pods.name
}

output "foundation" {
  description = "All of it, as the platform takes it: -var \"foundation=$(terraform -chdir=../foundation output -json foundation)\"."
  sensitive   = true
  value = {
    account_id             = var.account_id
    environment            = var.environment
    name                   = var.name
    cluster_name           = module.eks.name
    cluster_endpoint       = module.eks.endpoint
    cluster_ca_certificate = module.eks.ca_certificate
    region                 = var.region
    buckets                = local.outputs.buckets
    identities             = local.outputs.identities
    registry               = module.registry.url
    network                = module.network.id
    network_cidrs          = local.outputs.network_cidrs
    shared_volume          = module.shared_volume.handle
    volumes_key            = module.kms.arns["volumes"]
    log_group              = aws_cloudwatch_log_group.pods.name

    database = {
      host        = module.database.host
      port        = module.database.port
      name        = module.database.name
      secret_name = module.database.secret_name
    }
  }

  depends_on = [module.node_pools, module.addons]
}
