output "destination" {
  description = "Host and port to which logs go, once collectors run."
  value       = "${local.destination.host}:${local.destination.port}"
  depends_on  = [helm_release.fluent_bit]
}
