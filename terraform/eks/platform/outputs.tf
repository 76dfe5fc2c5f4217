output "namespaces" {
  description = "Namespaces by use, once they have their limits and policies."
  value = {
    kubeflow         = module.kubeflow.name
    serving          = module.serving.name
    monitoring       = module.monitoring_namespace.name
    external_secrets = module.external_secrets_namespace.name
  }
}

output "kustomize_values" {
  description = "The file values.env of terraform/manifests/overlays/eks."
  value       = join("", [for key, value in local.kustomize_values : "${key}=${value}\n"])

  depends_on = [module.external_secrets, module.monitoring]
}

output "serving" {
  description = "What serving/k8s/overlays/eks and the pipeline's configuration ask for: the volume with the models, data, prefix of images, the server's identity."
  value = {
    serving_volume = var.foundation.shared_volume
    data           = "s3://${var.foundation.buckets["data"]}"
    registry       = var.foundation.registry
    identity       = var.foundation.identities["serving"]
  }
}
