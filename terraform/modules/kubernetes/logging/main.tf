locals {
  own         = var.destination == null
  destination = local.own ? { host = "opensearch-cluster-master", port = 9200, secret = "opensearch-admin" } : var.destination
}

resource "kubernetes_secret_v1" "admin" {
  count = local.own ? 1 : 0
  metadata {
    name      = "opensearch-admin"
    namespace = var.namespace
  }
  data_wo          = { username = "admin", password = "Os_${uuid()}" }
  data_wo_revision = var.opensearch.password_version
}

resource "helm_release" "opensearch" {
  count      = local.own ? 1 : 0
  name       = "opensearch"
  namespace  = var.namespace
  repository = "https://opensearch-project.github.io/helm-charts/"
  chart      = "opensearch"
  version    = var.chart_versions.opensearch
  atomic     = true
  timeout    = 900

  values = [yamlencode({
    singleNode = var.opensearch.nodes == 1
    replicas   = var.opensearch.nodes
    extraEnvs = [
      { name = "OPENSEARCH_INITIAL_ADMIN_PASSWORD", valueFrom = { secretKeyRef = { name = kubernetes_secret_v1.admin[0].metadata[0].name, key = "password" } } },
      # Or each machine would need a higher vm.max_map_count.
      { name = "node.store.allow_mmap", value = "false" },
    ]
    persistence        = merge({ size = "${var.opensearch.gib}Gi", enableInitChown = false }, var.storage_class == null ? {} : { storageClass = var.storage_class })
    resources          = { requests = { cpu = "500m", memory = "2Gi" }, limits = { memory = "2Gi" } }
    opensearchJavaOpts = "-Xms1g -Xmx1g"
    securityContext = {
      allowPrivilegeEscalation = false
      capabilities             = { drop = ["ALL"] }
      runAsNonRoot             = true
      runAsUser                = 1000
      seccompProfile           = { type = "RuntimeDefault" }
    }
  })]
}

resource "helm_release" "fluent_bit" {
  name       = "fluent-bit"
  namespace  = var.namespace
  repository = "https://fluent.github.io/helm-charts"
  chart      = "fluent-bit"
  version    = var.chart_versions.fluent_bit
  atomic     = true
  timeout    = 600

  values = [yamlencode({
    testFramework = { enabled = false }
    resources     = { requests = { cpu = "50m", memory = "64Mi" }, limits = { memory = "256Mi" } }
    securityContext = {
      allowPrivilegeEscalation = false
      capabilities             = { drop = ["ALL"] }
      readOnlyRootFilesystem   = true
      seccompProfile           = { type = "RuntimeDefault" }
    }
    tolerations = [{ operator = "Exists" }] # Nodes with GPUs, too.
    env = [for key in ["username", "password"] : {
      name = "DESTINATION_${upper(key)}", valueFrom = { secretKeyRef = { name = local.destination.secret, key = key } }
    }]
    config = {
      outputs = <<-EOT
        [OUTPUT]
            Name opensearch
            Match *
            Host ${local.destination.host}
            Port ${local.destination.port}
            HTTP_User $${DESTINATION_USERNAME}
            HTTP_Passwd $${DESTINATION_PASSWORD}
            tls On
            tls.verify ${local.own ? "Off" : "On"}
            Logstash_Format On
            Logstash_Prefix demand
            Suppress_Type_Name On
            Replace_Dots On
            Retry_Limit 10
      EOT
    }
  })]
  depends_on = [helm_release.opensearch]
}
