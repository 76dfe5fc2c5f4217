output "version" {
  description = "Version of the chart, once the cluster knows ServiceMonitor and PrometheusRule."
  value       = helm_release.this.version
}
