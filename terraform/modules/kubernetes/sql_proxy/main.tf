locals {
  labels = { app = var.name }
  # KFP's own labels: its API server, the cache, and ML Metadata.
  clients = {
    services = { key = "app", values = ["cache-server", "ml-pipeline"] }
    metadata = { key = "component", values = ["metadata-grpc-server"] }
  }
}

resource "kubernetes_service_account_v1" "this" {
  metadata {
    name        = var.name
    namespace   = var.namespace
    annotations = { "iam.gke.io/gcp-service-account" = var.identity }
  }
  automount_service_account_token = false
}

resource "kubernetes_deployment_v1" "this" {
  #checkov:skip=CKV_K8S_14:The image comes from a variable, whose validation asks for a full version or a digest.
  #checkov:skip=CKV_K8S_43:Give the digest of what you looked at; one that nobody saw proves nothing.
  metadata {
    name      = var.name
    namespace = var.namespace
    labels    = local.labels
  }
  spec {
    replicas = var.replicas
    selector {
      match_labels = local.labels
    }
    template {
      metadata {
        labels = local.labels
      }
      spec {
        service_account_name             = kubernetes_service_account_v1.this.metadata[0].name
        automount_service_account_token  = false
        termination_grace_period_seconds = 60
        security_context {
          run_as_non_root = true
          run_as_user     = 65532
          run_as_group    = 65532
          seccomp_profile {
            type = "RuntimeDefault"
          }
        }
        topology_spread_constraint {
          max_skew           = 1
          topology_key       = "kubernetes.io/hostname"
          when_unsatisfiable = "ScheduleAnyway"
          label_selector {
            match_labels = local.labels
          }
        }
        container {
          name              = "proxy"
          image             = var.image
          image_pull_policy = "Always"
          args = [
            "--private-ip", "--structured-logs", "--address=0.0.0.0", "--port=3306", "--health-check", "--http-address=0.0.0.0", "--http-port=9090",
            "--max-sigterm-delay=30s", var.instance,
          ]
          startup_probe {
            http_get {
              path = "/startup"
              port = 9090
            }
            period_seconds    = 1
            failure_threshold = 60
          }
          liveness_probe {
            http_get {
              path = "/liveness"
              port = 9090
            }
            period_seconds    = 30
            failure_threshold = 5
          }
          readiness_probe {
            http_get {
              path = "/readiness"
              port = 9090
            }
            period_seconds = 10
          }
          resources {
            requests = { cpu = "50m", memory = "64Mi" }
            limits   = { cpu = "1", memory = "256Mi" }
          }
          security_context {
            allow_privilege_escalation = false
            read_only_root_filesystem  = true
            capabilities {
              drop = ["ALL"]
            }
          }
        }
      }
    }
  }
}

resource "kubernetes_service_v1" "this" {
  metadata {
    name      = var.name
    namespace = var.namespace
    labels    = local.labels
  }
  spec {
    selector = local.labels
    port {
      name        = "mysql"
      port        = 3306
      target_port = 3306
    }
  }
}

resource "kubernetes_pod_disruption_budget_v1" "this" {
  count = var.replicas > 1 ? 1 : 0
  metadata {
    name      = var.name
    namespace = var.namespace
  }
  spec {
    min_available = "1"
    selector {
      match_labels = local.labels
    }
  }
}

# Who may come, and where the proxy goes: the database, the API that gives certificates, and for a token.
resource "kubernetes_network_policy_v1" "proxy" {
  metadata {
    name      = var.name
    namespace = var.namespace
  }
  spec {
    pod_selector {
      match_labels = local.labels
    }
    policy_types = ["Ingress", "Egress"]
    ingress {
      dynamic "from" {
        for_each = local.clients
        content {
          pod_selector {
            match_expressions {
              key      = from.value.key
              operator = "In"
              values   = from.value.values
            }
          }
        }
      }
      ports {
        protocol = "TCP"
        port     = "3306"
      }
    }
    egress {
      to {
        ip_block {
          cidr = "${var.address}/32"
        }
      }
      ports {
        protocol = "TCP"
        port     = "3307"
      }
    }
    egress {
      to {
        ip_block {
          cidr   = "0.0.0.0/0"
          except = ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]
        }
      }
      ports {
        protocol = "TCP"
        port     = "443"
      }
    }
    egress {
      to {
        ip_block {
          cidr = "169.254.169.254/32"
        }
      }
      ports {
        protocol = "TCP"
        port     = "80"
      }
      ports {
        protocol = "UDP"
        port     = "53"
      }
      ports {
        protocol = "TCP"
        port     = "53"
      }
    }
  }
}

# The other end: nothing else in the namespace goes out to it.
resource "kubernetes_network_policy_v1" "clients" {
  for_each = local.clients
  metadata {
    name      = "${var.name}-of-${each.key}"
    namespace = var.namespace
  }
  spec {
    pod_selector {
      match_expressions {
        key      = each.value.key
        operator = "In"
        values   = each.value.values
      }
    }
    policy_types = ["Egress"]
    egress {
      to {
        pod_selector {
          match_labels = local.labels
        }
      }
      ports {
        protocol = "TCP"
        port     = "3306"
      }
    }
  }
}
