locals {
  # Collectors read files of their node, and the plugin its devices, which namespaces of ours forbid.
  namespace = "kube-system"
  identity  = "eks.amazonaws.com/role-arn"
}

# Brings nodes when a pod finds no place, and takes them when they are empty: GPUs come from none.
resource "helm_release" "autoscaler" {
  name       = "cluster-autoscaler"
  namespace  = local.namespace
  repository = "https://kubernetes.github.io/autoscaler"
  chart      = "cluster-autoscaler"
  version    = var.chart_versions.autoscaler
  atomic     = true
  timeout    = 600

  values = [yamlencode({
    cloudProvider     = "aws"
    awsRegion         = var.cluster.region
    autoDiscovery     = { clusterName = var.cluster.name }
    fullnameOverride  = "cluster-autoscaler"
    rbac              = { serviceAccount = { name = "cluster-autoscaler", annotations = { (local.identity) = var.roles.autoscaler } } }
    priorityClassName = "system-cluster-critical"
    extraArgs         = { balance-similar-node-groups = true, skip-nodes-with-system-pods = false, expander = "least-waste" }
    resources         = { requests = { cpu = "50m", memory = "256Mi" }, limits = { memory = "512Mi" } }
    containerSecurityContext = {
      allowPrivilegeEscalation = false
      capabilities             = { drop = ["ALL"] }
      readOnlyRootFilesystem   = true
    }
    securityContext = { runAsNonRoot = true, runAsUser = 10001, seccompProfile = { type = "RuntimeDefault" } }
  })]
}

# Tells Kubernetes how many GPUs a node has; drivers are in the node's image.
resource "helm_release" "gpus" {
  name       = "nvidia-device-plugin"
  namespace  = local.namespace
  repository = "https://nvidia.github.io/k8s-device-plugin"
  chart      = "nvidia-device-plugin"
  version    = var.chart_versions.gpus
  atomic     = true
  timeout    = 600

  # Nodes of the pool gpu carry the label nvidia.com/gpu.present, for which the chart looks.
  values = [yamlencode({
    nodeSelector = { pool = "gpu" }
    resources    = { requests = { cpu = "10m", memory = "32Mi" }, limits = { memory = "128Mi" } }
  })]
}

resource "helm_release" "logs" {
  name       = "fluent-bit"
  namespace  = local.namespace
  repository = "https://fluent.github.io/helm-charts"
  chart      = "fluent-bit"
  version    = var.chart_versions.fluent_bit
  atomic     = true
  timeout    = 600

  values = [yamlencode({
    testFramework  = { enabled = false }
    serviceAccount = { name = "fluent-bit", annotations = { (local.identity) = var.roles.logs } }
    resources      = { requests = { cpu = "50m", memory = "64Mi" }, limits = { memory = "256Mi" } }
    securityContext = {
      allowPrivilegeEscalation = false
      capabilities             = { drop = ["ALL"] }
      readOnlyRootFilesystem   = true
      seccompProfile           = { type = "RuntimeDefault" }
    }
    tolerations = [{ operator = "Exists" }] # Nodes with GPUs, too.
    config = {
      # The group is there, encrypted and with an end to what it keeps; the collector makes none.
      outputs = <<-EOT
        [OUTPUT]
            Name cloudwatch_logs
            Match *
            region ${var.cluster.region}
            log_group_name ${var.log_group}
            log_stream_prefix pods-
            auto_create_group Off
            Retry_Limit 10
      EOT
    }
  })]
}
