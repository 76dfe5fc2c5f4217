output "namespaces" {
  description = "Namespaces by use, once they have their limits and policies."
  value = merge(
    { kubeflow = module.kubeflow.name, serving = module.serving.name, monitoring = module.monitoring_namespace.name },
    var.external_secrets == null ? {} : { external_secrets = module.external_secrets_namespace[0].name },
    var.logging == null ? {} : { logging = module.logging_namespace[0].name },
  )
}

output "kustomize_values" {
  description = "The file values.env of terraform/manifests/overlays/kind."
  value = join("", [for key, value in {
    control_plane_cidr = var.control_plane_cidr
    platform_group     = var.groups.platform
    developer_group    = var.groups.developer
    viewer_group       = var.groups.viewer
    delivery_subject   = var.groups.delivery
    image_pattern      = var.images.pattern
    signing_issuer     = var.images.issuer
    signing_subject    = var.images.subject
  } : "${key}=${value}\n"])
  depends_on = [module.external_secrets, module.monitoring]
}

output "logs" {
  description = "Host and port to which logs go; null where the cluster collects them already."
  value       = one(module.logging[*].destination)
}
