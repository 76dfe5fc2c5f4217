output "network_id" {
  description = "The network, once nothing can come in and nodes can go out."
  value       = google_compute_network.this.id
  depends_on  = [google_compute_firewall.deny_ingress, google_compute_router_nat.this]
}

output "database_network_id" {
  description = "The same network, once databases can have addresses in it."
  value       = google_compute_network.this.id
  depends_on  = [google_service_networking_connection.database]
}

output "subnetwork" {
  description = "Subnet of the nodes, and the names of its ranges for pods and services."
  value = {
    id       = google_compute_subnetwork.nodes.id
    nodes    = google_compute_subnetwork.nodes.ip_cidr_range
    pods     = "pods"
    services = "services"
  }
  depends_on = [google_compute_firewall.deny_ingress, google_compute_router_nat.this]
}
