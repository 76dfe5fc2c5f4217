# Given one by one for people, and together for the platform.
locals {
  outputs = {
    buckets    = merge({ for key, bucket in module.buckets : key => bucket.name }, { logs = module.logs.name })
    identities = merge({ for key, identity in module.identity : key => identity.email }, { nodes = module.nodes.email })
  }
}

output "project_id" {
  description = "Project of everything."
  value       = var.project_id
}

output "environment" {
  description = "What it is for: dev or prod."
  value       = var.environment
}

output "name" {
  description = "Prefix of all names."
  value       = var.name
}

output "control_plane_cidr" {
  description = "Addresses of the API server."
  value       = var.control_plane.cidr
}

output "cluster_name" {
  description = "Name of the cluster."
  value       = module.gke.name
  depends_on  = [module.cpu_pool, module.gpu_pool]
}

output "cluster_endpoint" {
  description = "Host of the cluster's API server."
  value       = module.gke.endpoint
  depends_on  = [module.cpu_pool, module.gpu_pool]
}

output "cluster_ca_certificate" {
  description = "Certificate of the authority of the API server's private address, in base64."
  value       = module.gke.ca_certificate
  sensitive   = true
}

output "region" {
  description = "Region of everything."
  value       = var.region
}

output "buckets" {
  description = "Names of the buckets: pipeline_root, data, serving, logs."
  value       = local.outputs.buckets
}

output "identities" {
  description = "E-mails of the service accounts: pipeline, serving, kfp, secrets, nodes, ci."
  value       = local.outputs.identities
}

output "registry" {
  description = "Prefix of the images' names."
  value       = module.registry.url
}

output "database" {
  description = "Database of KFP: its address and port behind the Auth Proxy, name, secret with user and password, and the name by which the proxy finds it."
  value = {
    host        = module.database.host
    port        = module.database.port
    name        = module.database.name
    secret_name = local.secret
    instance    = module.database.instance
  }
}

output "network" {
  description = "Id of the network."
  value       = module.network.network_id
}

output "federation" {
  description = "Providers that CI names when it asks for a token."
  value       = module.federation.providers
}

output "admission" {
  description = "Attestor and version of the key with which CI signs images."
  value       = { attestor = module.admission.attestor, signing_key = module.admission.signing_key }
}

output "foundation" {
  description = "All that the platform needs, for its variable of this name."
  sensitive   = true
  value = {
    project_id             = var.project_id
    environment            = var.environment
    name                   = var.name
    cluster_name           = module.gke.name
    cluster_endpoint       = module.gke.endpoint
    cluster_ca_certificate = module.gke.ca_certificate
    control_plane_cidr     = var.control_plane.cidr
    region                 = var.region
    buckets                = local.outputs.buckets
    identities             = local.outputs.identities
    registry               = module.registry.url
    database = {
      host = module.database.host, port = module.database.port, name = module.database.name, secret_name = local.secret, instance = module.database.instance
    }
    network = module.network.network_id
  }
  depends_on = [module.cpu_pool, module.gpu_pool]
}
