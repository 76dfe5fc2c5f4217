output "host" {
  description = "Name under which KFP finds its database, once the proxy may reach it."
  value       = "${kubernetes_service_v1.this.metadata[0].name}.${var.namespace}"
  depends_on  = [kubernetes_deployment_v1.this, kubernetes_network_policy_v1.proxy, kubernetes_network_policy_v1.clients]
}
