locals {
  labels     = merge({ app = var.name, environment = var.environment, managed-by = "terraform" }, var.labels)
  production = var.environment == "prod"
  prefix     = "${var.project_id}-${var.name}"
  secret     = "${var.name}-kfp-database"

  services = toset([
    "artifactregistry", "binaryauthorization", "cloudkms", "cloudresourcemanager", "compute", "container", "containeranalysis",
    "containerfilesystem",
    "containerscanning", "containersecurity", "dns", "iam", "iamcredentials", "logging", "monitoring", "secretmanager", "servicenetworking",
    "sqladmin", "storage", "sts",
  ])
  # Google's own accounts, which encrypt and decrypt. Each is there once its API has been used (README).
  agents = { for service, domain in {
    artifactregistry = "gcp-sa-artifactregistry", compute = "compute-system", container = "container-engine-robot",
    secretmanager    = "gcp-sa-secretmanager", sql = "gcp-sa-cloud-sql", storage = "gs-project-accounts",
  } : service => "serviceAccount:service-${data.google_project.this.number}@${domain}.iam.gserviceaccount.com" }

  identities = {
    pipeline = { description = "Pods of pipelines", namespace = "kubeflow", service_accounts = ["pipeline-runner"], roles = [] }
    serving  = { description = "The model server", namespace = "demand-serving", service_accounts = ["demand-serving"], roles = [] }
    kfp = {
      description      = "Kubeflow Pipelines itself: its API, its pages, and the proxy to its database"
      namespace        = "kubeflow"
      service_accounts = ["ml-pipeline", "ml-pipeline-ui", var.sql_proxy_service_account]
      roles            = ["roles/cloudsql.client"]
    }
    secrets = { description = "External Secrets", namespace = "external-secrets", service_accounts = ["external-secrets"], roles = [] }
    ci      = { description = "CI: pushes and signs images, submits pipelines", namespace = null, service_accounts = [], roles = [] }
  }
  members = merge({ for key, identity in module.identity : key => identity.member }, { nodes = module.nodes.member })
}

data "google_project" "this" {
  project_id = var.project_id
}

resource "google_project_service" "this" {
  for_each           = local.services
  project            = var.project_id
  service            = "${each.value}.googleapis.com"
  disable_on_destroy = false
}

module "network" {
  source     = "../../modules/gcp/network"
  project_id = var.project_id
  name       = var.name
  region     = var.region
  ranges     = var.ranges
  depends_on = [google_project_service.this]
}

module "kms" {
  source     = "../../modules/gcp/kms"
  project_id = var.project_id
  name       = var.name
  region     = var.region
  labels     = local.labels
  grants = {
    cluster  = { container = local.agents.container }
    disks    = { compute = local.agents.compute, container = local.agents.container }
    storage  = { storage = local.agents.storage }
    database = { sql = local.agents.sql }
    registry = { artifactregistry = local.agents.artifactregistry }
    secrets  = { secretmanager = local.agents.secretmanager }
  }
  depends_on = [google_project_service.this]
}

# Before the cluster; the others after it, because the pool of the pods' identities comes with it.
module "nodes" {
  source      = "../../modules/gcp/identity"
  project_id  = var.project_id
  name        = "${var.name}-nodes"
  description = "Nodes of the cluster"
  # The second one for streaming images.
  project_roles = ["roles/container.defaultNodeServiceAccount", "roles/serviceusage.serviceUsageConsumer"]
  depends_on    = [google_project_service.this]
}

module "identity" {
  source        = "../../modules/gcp/identity"
  for_each      = local.identities
  project_id    = var.project_id
  name          = "${var.name}-${each.key}"
  description   = each.value.description
  project_roles = each.value.roles
  kubernetes = each.value.namespace == null ? null : {
    namespace        = each.value.namespace
    service_accounts = each.value.service_accounts
    workload_pool    = module.gke.workload_pool
  }
  depends_on = [google_project_service.this]
}

module "gke" {
  source               = "../../modules/gcp/gke"
  project_id           = var.project_id
  name                 = var.name
  region               = var.region
  zones                = var.zones
  network              = { id = module.network.network_id, subnetwork = module.network.subnetwork.id, nodes = module.network.subnetwork.nodes }
  control_plane        = { for key, value in var.control_plane : key => value if key != "release_channel" }
  release_channel      = var.control_plane.release_channel
  kms_key              = module.kms.keys["cluster"]
  node_service_account = module.nodes.email
  deletion_protection  = local.production
  labels               = local.labels
}

module "cpu_pool" {
  source          = "../../modules/gcp/node_pool"
  project_id      = var.project_id
  name            = "cpu"
  cluster         = module.gke.name
  region          = var.region
  zones           = var.zones
  machine         = { type = var.cpu_pool.machine_type, disk_size_gb = var.cpu_pool.disk_size_gb, spot = var.cpu_pool.spot }
  nodes           = { min = var.cpu_pool.min, max = var.cpu_pool.max }
  service_account = module.nodes.email
  kms_key         = module.kms.keys["disks"]
  labels          = local.labels
}

module "gpu_pool" {
  source          = "../../modules/gcp/node_pool"
  project_id      = var.project_id
  name            = "gpu"
  cluster         = module.gke.name
  region          = var.region
  zones           = var.gpu_pool.zones
  machine         = { type = var.gpu_pool.machine_type, disk_size_gb = var.gpu_pool.disk_size_gb, spot = var.gpu_pool.spot }
  nodes           = { min = 0, max = var.gpu_pool.max }
  gpu             = { type = var.gpu_pool.gpu, count = var.gpu_pool.gpus }
  service_account = module.nodes.email
  kms_key         = module.kms.keys["disks"]
  labels          = local.labels
}

module "logs" {
  source     = "../../modules/gcp/log_bucket"
  project_id = var.project_id
  name       = "${local.prefix}-logs"
  region     = var.region
  kms_key    = module.kms.keys["storage"]
  retention  = { days = var.storage.log_days, delete_days = var.storage.log_delete_days }
  labels     = local.labels
}

module "buckets" {
  source = "../../modules/gcp/bucket"
  for_each = {
    pipeline_root = {
      name  = "pipeline-root", expire = var.storage.artifact_days == null ? {} : { "" = var.storage.artifact_days }
      roles = { pipeline = "roles/storage.objectUser", kfp = "roles/storage.objectUser", ci = "roles/storage.objectUser" }
    }
    data = {
      name  = "data", expire = {}
      roles = { pipeline = "roles/storage.objectViewer" }
    }
    serving = {
      name  = "serving", expire = {}
      roles = { pipeline = "roles/storage.objectUser", serving = "roles/storage.objectViewer" }
    }
  }
  project_id    = var.project_id
  name          = "${local.prefix}-${each.value.name}"
  region        = var.region
  kms_key       = module.kms.keys["storage"]
  log_bucket    = module.logs.name
  versions      = { soft_delete_days = var.storage.soft_delete_days }
  expire        = each.value.expire
  force_destroy = !local.production
  labels        = local.labels
  roles         = { for identity, role in each.value.roles : identity => { role = role, member = local.members[identity] } }
}

module "registry" {
  source     = "../../modules/gcp/registry"
  project_id = var.project_id
  name       = var.name
  region     = var.region
  kms_key    = module.kms.keys["registry"]
  labels     = local.labels
  roles = {
    nodes = { role = "roles/artifactregistry.reader", member = local.members["nodes"] }
    ci    = { role = "roles/artifactregistry.writer", member = local.members["ci"] }
  }
}

module "secrets" {
  source     = "../../modules/gcp/secrets"
  project_id = var.project_id
  region     = var.region
  kms_key    = module.kms.keys["secrets"]
  secrets    = { (local.secret) = { sync = local.members["secrets"] } }
  labels     = local.labels
}

module "database" {
  source              = "../../modules/gcp/database"
  project_id          = var.project_id
  name                = "${var.name}-kfp"
  region              = var.region
  network_id          = module.network.database_network_id
  kms_key             = module.kms.keys["database"]
  size                = { tier = var.database.tier, disk_gb = var.database.disk_gb, highly_available = var.database.highly_available }
  secret              = module.secrets.ids[local.secret]
  password_version    = var.database.password_version
  deletion_protection = local.production
  labels              = local.labels
}

module "federation" {
  source             = "../../modules/gcp/federation"
  project_id         = var.project_id
  name               = "${var.name}-ci"
  service_account_id = module.identity["ci"].id
  github             = var.ci.github
  gitlab             = var.ci.gitlab
  depends_on         = [google_project_service.this]
}

# What CI needs of the project: to reach the cluster's API server, which then asks RBAC, to read what the scan of
# an image found, and to say that it is signed.
resource "google_project_iam_custom_role" "ci" {
  project     = var.project_id
  role_id     = "${replace(var.name, "-", "_")}_ci"
  title       = "CI of ${var.name}"
  description = "Reaches the cluster's API server, reads scans of images, adds signatures"
  permissions = [
    "container.clusters.connect", "container.clusters.get",
    "containeranalysis.occurrences.create", "containeranalysis.occurrences.get", "containeranalysis.occurrences.list",
  ]
  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "ci" {
  project = var.project_id
  role    = google_project_iam_custom_role.ci.id
  member  = local.members["ci"]
}

module "admission" {
  source         = "../../modules/gcp/admission"
  project_id     = var.project_id
  name           = var.name
  key_ring       = module.kms.key_ring
  signers        = { ci = local.members["ci"] }
  enforce        = var.admission.enforce
  trusted_images = var.admission.trusted_images
  depends_on     = [google_project_service.this]
}

module "audit" {
  source     = "../../modules/gcp/audit"
  project_id = var.project_id
  name       = var.name
  bucket     = module.logs.name
  depends_on = [google_project_service.this]
}
