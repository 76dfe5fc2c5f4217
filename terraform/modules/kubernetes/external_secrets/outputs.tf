output "version" {
  description = "Version of the chart, once its resources are known to the cluster."
  value       = helm_release.this.version
}
