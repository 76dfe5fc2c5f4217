# The cluster's default: encrypted with a key of ours, and in the zone of the pod that asks first.
resource "kubernetes_storage_class_v1" "disks" {
  metadata {
    name        = "demand"
    annotations = { "storageclass.kubernetes.io/is-default-class" = "true" }
  }

  storage_provisioner    = "ebs.csi.aws.com"
  reclaim_policy         = "Delete"
  volume_binding_mode    = "WaitForFirstConsumer"
  allow_volume_expansion = true

  parameters = {
    type      = "gp3"
    encrypted = "true"
    kmsKeyId  = var.foundation.volumes_key
  }
}

module "kubeflow" {
  source = "../../modules/kubernetes/namespace"

  name         = "kubeflow"
  labels       = { serving-clients = "demand", application-crd-id = "kubeflow-pipelines" }
  pod_security = { enforce = "baseline", warn = "restricted" }
  quota        = var.quotas.kubeflow
  network      = null # terraform/manifests brings the policies and the defaults of containers.
}

module "serving" {
  source = "../../modules/kubernetes/namespace"

  name         = "demand-serving"
  pod_security = { enforce = "restricted", warn = "restricted" }
  quota        = var.quotas.serving
  network      = null # serving/k8s brings them.
}

module "monitoring_namespace" {
  source = "../../modules/kubernetes/namespace"

  name               = "monitoring"
  pod_security       = { enforce = "baseline", warn = "restricted" }
  container_defaults = {}
  # Out: the API server, kubelets, DNS, and what has metrics; in: the API server asks the operator's webhook.
  network = { within = true, egress_ports = [443, 8080, 8501, 8888, 9090, 9153, 10250], ingress_ports = [10250] }
}

module "monitoring" {
  source = "../../modules/kubernetes/monitoring"

  namespace     = module.monitoring_namespace.name
  retention     = { days = var.monitoring.days, gib = var.monitoring.gib }
  replicas      = var.monitoring.replicas
  storage_class = kubernetes_storage_class_v1.disks.metadata[0].name
}

module "external_secrets_namespace" {
  source = "../../modules/kubernetes/namespace"

  name               = "external-secrets"
  pod_security       = { enforce = "restricted", warn = "restricted" }
  container_defaults = {}
  # Out: the API server, Secrets Manager, and for a token; in: the API server asks the webhook.
  network = { within = true, egress_ports = [443], ingress_ports = [10250] }
}

module "external_secrets" {
  source = "../../modules/kubernetes/external_secrets"

  namespace                   = module.external_secrets_namespace.name
  replicas                    = var.external_secrets.replicas
  service_account_annotations = { "eks.amazonaws.com/role-arn" = var.foundation.identities["secrets"] }
}

module "node_services" {
  source = "../../modules/aws/node_services"

  cluster   = { name = var.foundation.cluster_name, region = var.foundation.region }
  log_group = var.foundation.log_group
  roles     = { autoscaler = var.foundation.identities["autoscaler"], logs = var.foundation.identities["logs"] }
}

locals {
  kustomize_values = {
    region             = var.foundation.region
    database_host      = var.foundation.database.host
    database_port      = var.foundation.database.port
    database_cidr      = var.foundation.network_cidrs.private
    database_secret    = var.foundation.database.secret_name
    pipeline_root      = "s3://${var.foundation.buckets["pipeline_root"]}/demandcast"
    pipeline_identity  = var.foundation.identities["pipeline"]
    kfp_identity       = var.foundation.identities["kfp"]
    control_plane_cidr = var.foundation.network_cidrs.private
    platform_group     = "demand:platform"
    developer_group    = "demand:developers"
    viewer_group       = "demand:viewers"
    delivery_subject   = "demand:delivery"
    image_pattern      = "${var.foundation.registry}/*"
    signing_issuer     = var.signing.issuer
    signing_subject    = var.signing.subject
  }
}
