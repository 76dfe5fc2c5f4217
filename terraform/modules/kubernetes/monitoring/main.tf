locals {
  storage = merge(
    { accessModes = ["ReadWriteOnce"], resources = { requests = { storage = "${var.retention.gib}Gi" } } },
    var.storage_class == null ? {} : { storageClassName = var.storage_class },
  )
}

resource "helm_release" "this" {
  name       = "monitoring"
  namespace  = var.namespace
  repository = "https://prometheus-community.github.io/helm-charts"
  chart      = "kube-prometheus-stack"
  version    = var.chart_version
  atomic     = true
  timeout    = 900

  values = [yamlencode({
    prometheus = {
      prometheusSpec = {
        replicas    = var.replicas
        retention   = "${var.retention.days}d"
        storageSpec = { volumeClaimTemplate = { spec = local.storage } }
        resources   = { requests = { cpu = "200m", memory = "1Gi" }, limits = { memory = "4Gi" } }
        # Monitors and rules of all namespaces, with whatever labels: those of the pipeline and the server.
        serviceMonitorSelectorNilUsesHelmValues = false
        podMonitorSelectorNilUsesHelmValues     = false
        ruleSelectorNilUsesHelmValues           = false
      }
    }
    alertmanager = {
      alertmanagerSpec = { replicas = var.replicas, resources = { requests = { cpu = "20m", memory = "64Mi" }, limits = { memory = "256Mi" } } }
    }
    grafana = {
      # No password of the chart's: it makes one, which only who reads secrets of the namespace sees.
      adminPassword = null
      sidecar       = { dashboards = { enabled = true, label = "grafana_dashboard", searchNamespace = "ALL" } }
      "grafana.ini" = { users = { allow_sign_up = false }, "auth.anonymous" = { enabled = false } }
      resources     = { requests = { cpu = "50m", memory = "128Mi" }, limits = { memory = "512Mi" } }
    }
    # It needs the node's files, for which the namespace would have to be privileged; kubelets say enough.
    nodeExporter          = { enabled = false }
    kubeControllerManager = { enabled = false }
    kubeScheduler         = { enabled = false }
    kubeEtcd              = { enabled = false }
    kubeProxy             = { enabled = false }
    prometheusOperator = {
      resources = { requests = { cpu = "50m", memory = "128Mi" }, limits = { memory = "512Mi" } }
    }
  })]
}
