output "name" {
  description = "Name of the cluster."
  value       = google_container_cluster.this.name
}

output "id" {
  description = "Id of the cluster."
  value       = google_container_cluster.this.id
}

output "endpoint" {
  description = "Host of the API server: its DNS name where that is open from outside, its private address where not."
  value = coalesce(
    var.control_plane.dns_from_outside ? one(google_container_cluster.this.control_plane_endpoints_config[0].dns_endpoint_config[*].endpoint) : null,
    google_container_cluster.this.endpoint,
  )
}

output "ca_certificate" {
  description = "Certificate of the authority behind the private address, in base64. The DNS name has one that systems trust already."
  value       = try(google_container_cluster.this.master_auth[0].cluster_ca_certificate, "")
  sensitive   = true
}

output "workload_pool" {
  description = "Pool of the identities of pods."
  value       = "${var.project_id}.svc.id.goog"
  # Google knows the pool only once the project has a cluster with it.
  depends_on = [google_container_cluster.this]
}
