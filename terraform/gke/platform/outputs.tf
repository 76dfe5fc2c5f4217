output "namespaces" {
  description = "Namespaces by use, once they have their limits and policies."
  value = {
    kubeflow = module.kubeflow.name, serving = module.serving.name, monitoring = module.monitoring.name, external_secrets = module.external_secrets_namespace.name
  }
}

output "kustomize_values" {
  description = "The file values.env of terraform/manifests/overlays/gke."
  value       = join("", [for key, value in local.kustomize_values : "${key}=${value}\n"])
  depends_on  = [module.external_secrets]
}

output "serving" {
  description = "What serving/k8s/overlays/gke and the pipeline's configuration ask for: paths in buckets, prefix of images, the server's identity."
  value = {
    serving_directory = "gs://${var.foundation.buckets["serving"]}/serving"
    data              = "gs://${var.foundation.buckets["data"]}"
    registry          = var.foundation.registry
    identity          = var.foundation.identities["serving"]
  }
}
