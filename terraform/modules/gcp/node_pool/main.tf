resource "google_container_node_pool" "this" {
  project        = var.project_id
  name           = var.name
  cluster        = var.cluster
  location       = var.region
  node_locations = length(var.zones) == 0 ? null : var.zones

  initial_node_count = var.gpu == null ? null : 0

  autoscaling {
    total_min_node_count = var.nodes.min
    total_max_node_count = var.nodes.max
    # GPUs where there are any, others spread.
    location_policy = var.gpu == null && !var.machine.spot ? "BALANCED" : "ANY"
  }
  management {
    auto_repair  = true
    auto_upgrade = true
  }
  upgrade_settings {
    strategy        = "SURGE"
    max_surge       = var.gpu == null ? 1 : 0
    max_unavailable = var.gpu == null ? 0 : 1
  }
  network_config {
    enable_private_nodes = true
  }

  node_config {
    machine_type      = var.machine.type
    disk_size_gb      = var.machine.disk_size_gb
    disk_type         = var.machine.disk_type
    spot              = var.machine.spot
    image_type        = "COS_CONTAINERD"
    service_account   = var.service_account
    oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
    boot_disk_kms_key = var.kms_key
    labels            = { pool = var.name }
    resource_labels   = var.labels
    metadata          = { disable-legacy-endpoints = "true" }

    # Starts containers while their image is still coming: that for GPUs has 8 GiB.
    gcfs_config {
      enabled = true
    }
    gvnic {
      enabled = true
    }
    kubelet_config {
      insecure_kubelet_readonly_port_enabled = "FALSE"
      pod_pids_limit                         = 4096
    }
    linux_node_config {
      cgroup_mode = "CGROUP_MODE_V2"
    }
    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }
    workload_metadata_config {
      mode = "GKE_METADATA"
    }
    dynamic "guest_accelerator" {
      for_each = var.gpu == null ? [] : [var.gpu]
      content {
        type  = guest_accelerator.value.type
        count = guest_accelerator.value.count
        gpu_driver_installation_config {
          gpu_driver_version = guest_accelerator.value.driver
        }
      }
    }
    dynamic "taint" {
      for_each = var.gpu == null ? [] : ["present"]
      content {
        key    = "nvidia.com/gpu"
        value  = taint.value
        effect = "NO_SCHEDULE"
      }
    }
  }

  lifecycle {
    ignore_changes = [initial_node_count]
  }
}
