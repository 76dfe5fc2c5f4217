locals {
  policies = "arn:${var.partition}:iam::aws:policy"

  # What a node does itself. Pods have roles of their own, and cannot reach this one.
  node_policies = {
    worker  = "${local.policies}/AmazonEKSWorkerNodePolicy"
    images  = "${local.policies}/AmazonEC2ContainerRegistryPullOnly"
    metrics = "${local.policies}/CloudWatchAgentServerPolicy"
    session = "${local.policies}/AmazonSSMManagedInstanceCore"
  }

  entries_with_policy = { for name, entry in var.access_entries : name => entry if entry.policy != null }
}

resource "aws_iam_role" "cluster" {
  name                 = "${var.name}-cluster"
  description          = "What the control plane of ${var.name} may do"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "eks.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "cluster" {
  role       = aws_iam_role.cluster.name
  policy_arn = "${local.policies}/AmazonEKSClusterPolicy"
}

resource "aws_iam_role" "nodes" {
  name                 = "${var.name}-nodes"
  description          = "What nodes of ${var.name} may do"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "nodes" {
  for_each = local.node_policies

  role       = aws_iam_role.nodes.name
  policy_arn = each.value
}

# Says "a node of this cluster" to databases and volumes. Traffic among nodes and the control plane is the
# business of the cluster's own group.
resource "aws_security_group" "nodes" {
  #checkov:skip=CKV2_AWS_5:Launch templates of the node groups attach it
  name        = "${var.name}-nodes"
  description = "Nodes of ${var.name}"
  vpc_id      = var.network_id

  tags = { Name = "${var.name}-nodes" }
}

# Made here, because EKS would make one that is not encrypted and kept for ever.
resource "aws_cloudwatch_log_group" "cluster" {
  #checkov:skip=CKV_AWS_338:One year is the default; development may keep less
  name              = "/aws/eks/${var.name}/cluster"
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.logs.kms_key_arn
}

resource "aws_eks_cluster" "this" {
  #checkov:skip=CKV_AWS_339:The version is a value, and which ones AWS supports changes every few months
  #checkov:skip=CKV_AWS_39:Private by default; addresses have to be named to open it, and validation refuses wide ones
  #checkov:skip=CKV_AWS_38:The addresses are validated, none may be wider than /16
  name                      = var.name
  role_arn                  = aws_iam_role.cluster.arn
  version                   = var.kubernetes_version
  enabled_cluster_log_types = ["api", "audit", "authenticator", "controllerManager", "scheduler"]

  vpc_config {
    subnet_ids              = var.subnet_ids
    endpoint_private_access = true
    endpoint_public_access  = length(var.public_access_cidrs) > 0
    public_access_cidrs     = length(var.public_access_cidrs) > 0 ? var.public_access_cidrs : null
  }

  kubernetes_network_config {
    service_ipv4_cidr = var.service_cidr
  }

  # Entries instead of the ConfigMap aws-auth, and no hidden administrator: who has access is in the code.
  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = false
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = var.secrets_key_arn
    }
  }

  upgrade_policy {
    support_type = "STANDARD"
  }

  depends_on = [
    aws_iam_role_policy_attachment.cluster,
    aws_cloudwatch_log_group.cluster,
  ]
}

# EKS' own group of the control plane lets in nothing but itself, and so the nodes.
resource "aws_vpc_security_group_ingress_rule" "api" {
  for_each = var.private_access_cidrs

  security_group_id = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
  description       = "API of Kubernetes from ${each.value}"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

# By it pods are known to IAM: the token of a service account is exchanged for a role.
resource "aws_iam_openid_connect_provider" "pods" {
  url            = aws_eks_cluster.this.identity[0].oidc[0].issuer
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_eks_access_entry" "this" {
  for_each = var.access_entries

  cluster_name      = aws_eks_cluster.this.name
  principal_arn     = each.value.principal_arn
  kubernetes_groups = each.value.groups
}

resource "aws_eks_access_policy_association" "this" {
  for_each = local.entries_with_policy

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = aws_eks_access_entry.this[each.key].principal_arn
  policy_arn    = "arn:${var.partition}:eks::aws:cluster-access-policy/${each.value.policy}"

  access_scope {
    type       = length(each.value.namespaces) > 0 ? "namespace" : "cluster"
    namespaces = length(each.value.namespaces) > 0 ? each.value.namespaces : null
  }
}
