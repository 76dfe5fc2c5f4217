locals {
  resources = { requests = { cpu = "25m", memory = "64Mi" }, limits = { memory = "256Mi" } }
  budget    = { enabled = var.replicas > 1, minAvailable = 1 }
}

resource "helm_release" "this" {
  name       = "external-secrets"
  namespace  = var.namespace
  repository = "https://charts.external-secrets.io"
  chart      = "external-secrets"
  version    = var.chart_version
  atomic     = true
  timeout    = 600

  values = [yamlencode({
    installCRDs         = true
    replicaCount        = var.replicas
    leaderElect         = var.replicas > 1
    resources           = local.resources
    podDisruptionBudget = local.budget
    serviceAccount      = { name = "external-secrets", annotations = var.service_account_annotations }
    # A namespace asks for its own secrets. Nobody asks for those of all, and nothing is written back to a cloud.
    processClusterExternalSecret = false
    processClusterStore          = false
    processClusterPushSecret     = false
    processPushSecret            = false
    crds = {
      createClusterExternalSecret = false
      createClusterSecretStore    = false
      createClusterPushSecret     = false
      createPushSecret            = false
    }
    webhook        = { replicaCount = var.replicas, resources = local.resources, podDisruptionBudget = local.budget }
    certController = { resources = local.resources }
  })]
}
