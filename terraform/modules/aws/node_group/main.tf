resource "aws_launch_template" "this" {
  name        = "${var.cluster_name}-${var.name}"
  description = "Nodes of the pool ${var.name}"

  vpc_security_group_ids = compact(var.security_group_ids)

  # Tokens only, and one hop: a pod cannot reach the role of its node.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
    instance_metadata_tags      = "disabled"
  }

  monitoring {
    enabled = true
  }

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = var.disk.size_gib
      encrypted             = true
      kms_key_id            = var.disk.kms_key_arn
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume"])

    content {
      resource_type = tag_specifications.key
      tags          = merge(var.tags, { Name = "${var.cluster_name}-${var.name}" })
    }
  }

  update_default_version = true
}

resource "aws_eks_node_group" "this" {
  cluster_name    = var.cluster_name
  node_group_name = var.name
  node_role_arn   = var.role_arn
  subnet_ids      = var.subnet_ids
  version         = var.kubernetes_version
  ami_type        = var.instances.gpu ? "AL2023_x86_64_NVIDIA" : "AL2023_x86_64_STANDARD"
  instance_types  = var.instances.types
  capacity_type   = var.instances.capacity
  labels = merge(var.labels, { pool = var.name }, var.instances.gpu ? {
    "nvidia.com/gpu.present" = "true"
    # Until its GPUs are there the autoscaler takes the node as not ready, and brings no other one.
    "k8s.amazonaws.com/accelerator" = "nvidia"
  } : {})

  launch_template {
    id      = aws_launch_template.this.id
    version = aws_launch_template.this.latest_version
  }

  scaling_config {
    min_size     = var.size.min
    max_size     = var.size.max
    desired_size = var.size.min
  }

  update_config {
    max_unavailable_percentage = 33
  }

  dynamic "taint" {
    for_each = var.instances.gpu ? ["nvidia.com/gpu"] : []

    content {
      key    = taint.value
      value  = "present"
      effect = "NO_SCHEDULE"
    }
  }

  lifecycle {
    # The autoscaler's, once the pool exists.
    ignore_changes = [scaling_config[0].desired_size]
  }
}
