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

# Google's own collectors read metrics; here is the place for what people add.
module "monitoring" {
  source             = "../../modules/kubernetes/namespace"
  name               = "monitoring"
  pod_security       = { enforce = "baseline", warn = "restricted" }
  container_defaults = {}
  network            = { within = true, egress_ports = [443] }
}

module "external_secrets_namespace" {
  source             = "../../modules/kubernetes/namespace"
  name               = "external-secrets"
  pod_security       = { enforce = "restricted", warn = "restricted" }
  container_defaults = {}
  # Out: the API server, Secret Manager, and for a token; in: the API server asks the webhook.
  network = { within = true, egress_ports = [80, 443, 988], ingress_ports = [10250] }
}

module "external_secrets" {
  source                      = "../../modules/kubernetes/external_secrets"
  namespace                   = module.external_secrets_namespace.name
  chart_version               = var.external_secrets.chart_version
  replicas                    = var.external_secrets.replicas
  service_account_annotations = { "iam.gke.io/gcp-service-account" = var.foundation.identities["secrets"] }
}

module "sql_proxy" {
  source    = "../../modules/kubernetes/sql_proxy"
  namespace = module.kubeflow.name
  instance  = var.foundation.database.instance
  address   = var.foundation.database.host
  identity  = var.foundation.identities["kfp"]
  image     = var.sql_proxy.image
  replicas  = var.sql_proxy.replicas
}

locals {
  kustomize_values = {
    project            = var.foundation.project_id
    database_host      = module.sql_proxy.host
    database_port      = var.foundation.database.port
    database_cidr      = "${var.foundation.database.host}/32"
    database_secret    = var.foundation.database.secret_name
    pipeline_root      = "gs://${var.foundation.buckets["pipeline_root"]}/demandcast"
    pipeline_identity  = var.foundation.identities["pipeline"]
    kfp_identity       = var.foundation.identities["kfp"]
    control_plane_cidr = var.foundation.control_plane_cidr
    platform_group     = var.groups.platform
    developer_group    = var.groups.developer
    viewer_group       = var.groups.viewer
    delivery_subject   = var.foundation.identities["ci"]
    image_pattern      = "${var.foundation.registry}/*"
    signing_issuer     = var.signing.issuer
    signing_subject    = var.signing.subject
  }
}
