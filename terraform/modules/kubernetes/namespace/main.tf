resource "kubernetes_namespace_v1" "this" {
  metadata {
    name = var.name
    labels = merge(var.labels, {
      "pod-security.kubernetes.io/enforce"         = var.pod_security.enforce
      "pod-security.kubernetes.io/enforce-version" = "latest"
      "pod-security.kubernetes.io/warn"            = var.pod_security.warn
      "pod-security.kubernetes.io/audit"           = var.pod_security.warn
    })
  }
}

resource "kubernetes_resource_quota_v1" "this" {
  count = length(var.quota) == 0 ? 0 : 1
  metadata {
    name      = "quota"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
  }
  spec {
    hard = var.quota
  }
}

resource "kubernetes_limit_range_v1" "this" {
  count = var.container_defaults == null ? 0 : 1
  metadata {
    name      = "defaults"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
  }
  spec {
    limit {
      type            = "Container"
      default_request = var.container_defaults.requests
      default         = var.container_defaults.limits
    }
  }
}

resource "kubernetes_network_policy_v1" "default_deny" {
  count = var.network == null ? 0 : 1
  metadata {
    name      = "default-deny"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
  }
  spec {
    pod_selector {}
    policy_types = ["Ingress", "Egress"]
  }
}

resource "kubernetes_network_policy_v1" "dns" {
  count = var.network == null ? 0 : 1
  metadata {
    name      = "dns"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
  }
  spec {
    pod_selector {}
    policy_types = ["Egress"]
    egress {
      to {
        namespace_selector {
          match_labels = { "kubernetes.io/metadata.name" = "kube-system" }
        }
        pod_selector {
          match_expressions {
            key      = "k8s-app"
            operator = "In"
            values   = ["kube-dns", "node-local-dns"]
          }
        }
      }
      # A cache on each node, and Google's Cloud DNS.
      dynamic "to" {
        for_each = ["169.254.20.10/32", "169.254.169.254/32"]
        content {
          ip_block {
            cidr = to.value
          }
        }
      }
      dynamic "ports" {
        for_each = ["UDP", "TCP"]
        content {
          protocol = ports.value
          port     = "53"
        }
      }
    }
  }
}

resource "kubernetes_network_policy_v1" "within" {
  count = try(var.network.within, false) ? 1 : 0
  metadata {
    name      = "within"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
  }
  spec {
    pod_selector {}
    policy_types = ["Ingress", "Egress"]
    ingress {
      from {
        pod_selector {}
      }
    }
    egress {
      to {
        pod_selector {}
      }
    }
  }
}

resource "kubernetes_network_policy_v1" "egress" {
  count = length(try(var.network.egress_ports, [])) == 0 ? 0 : 1
  metadata {
    name      = "egress"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
  }
  spec {
    pod_selector {}
    policy_types = ["Egress"]
    egress {
      dynamic "ports" {
        for_each = var.network.egress_ports
        content {
          protocol = "TCP"
          port     = tostring(ports.value)
        }
      }
    }
  }
}

resource "kubernetes_network_policy_v1" "ingress" {
  count = length(try(var.network.ingress_ports, [])) == 0 ? 0 : 1
  metadata {
    name      = "ingress"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
  }
  spec {
    pod_selector {}
    policy_types = ["Ingress"]
    ingress {
      dynamic "ports" {
        for_each = var.network.ingress_ports
        content {
          protocol = "TCP"
          port     = tostring(ports.value)
        }
      }
    }
  }
}
