locals {
  storage_class = one(kubernetes_storage_class_v1.this[*].metadata[0].name)
}

resource "kubernetes_storage_class_v1" "this" {
  count = var.storage_class == null ? 0 : 1
  metadata {
    name        = var.storage_class.name
    annotations = { "storageclass.kubernetes.io/is-default-class" = "true" }
  }
  storage_provisioner    = var.storage_class.provisioner
  parameters             = var.storage_class.parameters
  reclaim_policy         = var.storage_class.reclaim
  volume_binding_mode    = "WaitForFirstConsumer"
  allow_volume_expansion = true
}

module "kubeflow" {
  source       = "../../modules/kubernetes/namespace"
  name         = "kubeflow"
  labels       = { serving-clients = "demand", application-crd-id = "kubeflow-pipelines" }
  pod_security = { enforce = "baseline", warn = "restricted" }
  quota        = var.quotas.kubeflow
  network      = null # terraform/manifests brings the policies and the defaults of containers.
}

module "serving" {
  source       = "../../modules/kubernetes/namespace"
  name         = "demand-serving"
  pod_security = { enforce = "restricted", warn = "restricted" }
  quota        = var.quotas.serving
  network      = null # serving/k8s brings them.
}

# KFP's own name for it. The value is written and kept nowhere else; the store learns it when it starts.
resource "kubernetes_secret_v1" "object_store" {
  #checkov:skip=CKV_K8S_35:Upstream's store and KFP read it from their environment.
  count = var.object_store_secret ? 1 : 0
  metadata {
    name      = "mlpipeline-minio-artifact"
    namespace = module.kubeflow.name
  }
  data_wo          = { accesskey = "kubeflow", secretkey = uuid() }
  data_wo_revision = 1
}

module "monitoring_namespace" {
  source             = "../../modules/kubernetes/namespace"
  name               = "monitoring"
  pod_security       = { enforce = "baseline", warn = "restricted" }
  container_defaults = {}
  # Out: the API server, kubelets, DNS, and what has metrics; in: the API server asks the operator's webhook.
  network = { within = true, egress_ports = [443, 6443, 8080, 8501, 8888, 9090, 9153, 10250], ingress_ports = [10250] }
}

module "monitoring" {
  source        = "../../modules/kubernetes/monitoring"
  count         = var.monitoring == null ? 0 : 1
  namespace     = module.monitoring_namespace.name
  chart_version = var.monitoring.chart_version
  retention     = { days = var.monitoring.days, gib = var.monitoring.gib }
  replicas      = var.monitoring.replicas
  storage_class = local.storage_class
}

module "external_secrets_namespace" {
  source             = "../../modules/kubernetes/namespace"
  count              = var.external_secrets == null ? 0 : 1
  name               = "external-secrets"
  pod_security       = { enforce = "restricted", warn = "restricted" }
  container_defaults = {}
  network            = { within = true, egress_ports = [443, 6443, 8200], ingress_ports = [10250] }
}

module "external_secrets" {
  source        = "../../modules/kubernetes/external_secrets"
  count         = var.external_secrets == null ? 0 : 1
  namespace     = module.external_secrets_namespace[0].name
  chart_version = var.external_secrets.chart_version
  replicas      = var.external_secrets.replicas
}

# Collectors read the logs of their node from its file system, which only a privileged namespace allows.
module "logging_namespace" {
  source             = "../../modules/kubernetes/namespace"
  count              = var.logging == null ? 0 : 1
  name               = "logging"
  pod_security       = { enforce = "privileged", warn = "baseline" }
  container_defaults = {}
  network            = { within = true, egress_ports = distinct([443, 6443, try(var.logging.destination.port, 9200)]) }
}

module "logging" {
  source        = "../../modules/kubernetes/logging"
  count         = var.logging == null ? 0 : 1
  namespace     = module.logging_namespace[0].name
  destination   = var.logging.destination
  opensearch    = { nodes = var.logging.nodes, gib = var.logging.gib }
  storage_class = local.storage_class
}
