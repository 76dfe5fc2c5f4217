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
  value       = merge({ for key, bucket in module.buckets : key => bucket.name }, { logs = module.logs_bucket.name })
}

output "identities" {
  description = "ARN of each role by whose it is; ci is null where no jobs were named."
  value       = merge(module.pods.arns, { nodes = module.eks.nodes_role_arn, ci = try(module.ci[0].arns["ci"], null) })
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
