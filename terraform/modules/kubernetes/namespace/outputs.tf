output "name" {
  description = "Name of the namespace, once its policies and limits are there."
  value       = kubernetes_namespace_v1.this.metadata[0].name
  depends_on = [
    kubernetes_resource_quota_v1.this, kubernetes_limit_range_v1.this, kubernetes_network_policy_v1.default_deny, kubernetes_network_policy_v1.dns,
    kubernetes_network_policy_v1.within, kubernetes_network_policy_v1.egress, kubernetes_network_policy_v1.ingress,
  ]
}

output "labels" {
  description = "Labels of the namespace."
  value       = kubernetes_namespace_v1.this.metadata[0].labels
}
