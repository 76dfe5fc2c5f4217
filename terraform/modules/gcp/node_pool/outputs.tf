output "name" {
  description = "Name of the pool, which its nodes carry as the label pool."
  value       = google_container_node_pool.this.name
}
