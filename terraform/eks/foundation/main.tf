locals {
  # Of everything that writes into CloudWatch.
  logs = { kms_key_arn = module.kms.arns["logs"], retention_days = var.retention_days.logs }

  tags      = merge({ application = var.name, environment = var.environment, managed-by = "terraform" }, var.labels)
  partition = startswith(var.region, "cn-") ? "aws-cn" : startswith(var.region, "us-gov-") ? "aws-us-gov" : "aws"
  account   = { id = var.account_id, region = var.region, partition = local.partition }
  prefix    = "${var.account_id}-${var.name}-${var.region}"

  # Those on every node are there before the nodes; the others wait for a place.
  early_addons = ["vpc-cni", "kube-proxy", "eks-pod-identity-agent"]

  # What the group may do is said by the manifests of Kubeflow Pipelines.
  delivery = !try(var.ci.submits, false) ? {} : {
    ci = { principal_arn = module.ci[0].arns["ci"], groups = toset(["demand:delivery"]), policy = null, namespaces = toset([]) }
  }
}

module "kms" {
  source = "../../modules/aws/kms"

  name                 = var.name
  account              = local.account
  deletion_window_days = var.protected ? 30 : 7

  keys = {
    cluster  = { description = "Secrets of Kubernetes" }
    disks    = { description = "Disks of nodes", services = ["disks"] }
    volumes  = { description = "Volumes of pods", services = ["disks"] }
    storage  = { description = "Objects of data, runs and models" }
    images   = { description = "Images" }
    database = { description = "Database of Kubeflow Pipelines" }
    secrets  = { description = "Secrets" }
    logs     = { description = "Logs", services = ["logs", "cloudtrail"] }
  }
}

module "network" {
  source = "../../modules/aws/network"

  name                = var.name
  region              = var.region
  cidr                = var.network.cidr
  zones               = var.network.zones
  nat                 = var.network.nat
  interface_endpoints = var.network.endpoints

  permissions_boundary_arn = var.permissions_boundary_arn

  flow_logs = local.logs
}

module "logs_bucket" {
  source = "../../modules/aws/bucket"

  name           = "${local.prefix}-logs"
  delete_objects = !var.protected
  lifecycle_days = { expire = { "" = var.retention_days.access_logs }, replaced = var.retention_days.access_logs }

  logs = {
    account_id = var.account_id
    partition  = local.partition
    services   = var.audit ? ["s3", "cloudtrail"] : ["s3"]
  }
}

module "buckets" {
  source   = "../../modules/aws/bucket"
  for_each = { pipeline_root = { "" = var.retention_days.artifacts }, data = {}, serving = {} }

  name           = "${local.prefix}-${replace(each.key, "_", "-")}"
  kms_key_arn    = module.kms.arns["storage"]
  access_logs    = { bucket = module.logs_bucket.name }
  delete_objects = !var.protected
  lifecycle_days = { expire = each.value, replaced = var.retention_days.versions }
}

module "audit" {
  source = "../../modules/aws/audit"
  count  = var.audit ? 1 : 0

  name           = var.name
  bucket         = module.logs_bucket.name
  kms_key_arn    = module.kms.arns["logs"]
  retention_days = var.retention_days.logs
  object_arns    = [for bucket in module.buckets : "${bucket.arn}/"]

  permissions_boundary_arn = var.permissions_boundary_arn
}

module "registry" {
  source = "../../modules/aws/registry"

  name          = var.name
  images        = var.images
  kms_key_arn   = module.kms.arns["images"]
  delete_images = !var.protected
}

module "eks" {
  source = "../../modules/aws/eks"

  name                     = var.name
  partition                = local.partition
  kubernetes_version       = var.cluster.version
  network_id               = module.network.id
  subnet_ids               = module.network.private_subnets
  public_access_cidrs      = var.cluster.public_access_cidrs
  private_access_cidrs     = var.cluster.private_access_cidrs
  secrets_key_arn          = module.kms.arns["cluster"]
  access_entries           = merge(var.access_entries, local.delivery)
  permissions_boundary_arn = var.permissions_boundary_arn

  logs = local.logs
}

module "early_addons" {
  source = "../../modules/aws/addons"

  cluster_name = module.eks.name
  addons = {
    for addon, version in var.addons : addon => {
      version  = version
      role_arn = try(module.pods.arns[local.addon_roles[addon]], null)
      # Without it the network policies of the server and of the pipelines are words.
      configuration = addon == "vpc-cni" ? jsonencode({ enableNetworkPolicy = "true" }) : null
    } if contains(local.early_addons, addon)
  }
}

module "node_pools" {
  source   = "../../modules/aws/node_group"
  for_each = var.node_pools

  name               = each.key
  cluster_name       = module.eks.name
  kubernetes_version = module.eks.version
  role_arn           = module.eks.nodes_role_arn
  subnet_ids         = module.network.private_subnets
  security_group_ids = values(module.eks.security_groups)
  instances          = { types = each.value.types, capacity = each.value.capacity, gpu = each.key == "gpu" }
  size               = { min = each.value.min, max = each.value.max }
  disk               = { kms_key_arn = module.kms.arns["disks"], size_gib = each.value.disk_gib }
  tags               = local.tags

  depends_on = [module.early_addons]
}

module "addons" {
  source = "../../modules/aws/addons"

  cluster_name = module.eks.name
  addons = {
    for addon, version in var.addons : addon => {
      version  = version
      role_arn = try(module.pods.arns[local.addon_roles[addon]], null)
    } if !contains(local.early_addons, addon)
  }

  depends_on = [module.node_pools]
}

module "database" {
  source = "../../modules/aws/database"

  name                   = var.name
  partition              = local.partition
  network_id             = module.network.id
  subnet_ids             = module.network.private_subnets
  client_security_groups = { nodes = module.eks.security_groups.nodes }
  keys                   = { storage = module.kms.arns["database"], secret = module.kms.arns["secrets"] }
  engine_version         = var.database.engine_version
  multi_zone             = var.database.multi_zone
  require_tls            = var.database.require_tls
  backup_days            = var.database.backup_days
  password_version       = var.database.password_version
  protected              = var.protected
  insights_kms_key_arn   = var.database.insights ? module.kms.arns["database"] : null

  size = {
    instance    = var.database.instance
    disk_gib    = var.database.disk_gib
    maximum_gib = var.database.maximum_gib
  }

  logs = local.logs

  permissions_boundary_arn = var.permissions_boundary_arn
}

module "secrets" {
  source = "../../modules/aws/secrets"

  name          = var.name
  secrets       = var.secrets
  kms_key_arn   = module.kms.arns["secrets"]
  recovery_days = var.protected ? 30 : 0
}

module "shared_volume" {
  source = "../../modules/aws/shared_volume"

  name                   = "${var.name}-serving"
  network_id             = module.network.id
  subnets                = zipmap(var.network.zones, module.network.private_subnets)
  client_security_groups = { nodes = module.eks.security_groups.nodes }
  kms_key_arn            = module.kms.arns["storage"]
  backups                = var.volume_backups
}

module "pods" {
  source = "../../modules/aws/identity"

  name                     = var.name
  issuer                   = module.eks.oidc_provider
  roles                    = local.pod_roles
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "federation" {
  source = "../../modules/aws/federation"
  count  = var.ci == null ? 0 : 1

  url          = var.ci.url
  audience     = var.ci.audience
  existing_arn = var.ci.existing_arn
}

module "ci" {
  source = "../../modules/aws/identity"
  count  = var.ci == null ? 0 : 1

  name                     = var.name
  issuer                   = module.federation[0].issuer
  roles                    = local.ci_roles
  permissions_boundary_arn = var.permissions_boundary_arn
}
