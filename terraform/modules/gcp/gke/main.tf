locals {
  # The nodes' own network too: pods of CI in it, and health checks.
  authorized = merge({ nodes = var.network.nodes }, var.control_plane.authorized_networks)
}

resource "google_container_cluster" "this" {
  #checkov:skip=CKV_GCP_21:Labels are merged from variables, which checkov does not compute; a test looks at them in the plan.
  project             = var.project_id
  name                = var.name
  location            = var.region
  node_locations      = length(var.zones) == 0 ? null : var.zones
  network             = var.network.id
  subnetwork          = var.network.subnetwork
  deletion_protection = var.deletion_protection
  resource_labels     = merge({ cluster = var.name }, var.labels)

  # Pools are resources of their own. The default one lives for a moment, and is shielded for it.
  remove_default_node_pool = true
  initial_node_count       = 1

  networking_mode             = "VPC_NATIVE"
  datapath_provider           = "ADVANCED_DATAPATH"
  enable_intranode_visibility = true
  enable_l4_ilb_subsetting    = true
  enable_shielded_nodes       = true
  enable_legacy_abac          = false
  enable_kubernetes_alpha     = false

  # Dataplane V2 enforces policies by itself; this block is the older way and has to say no.
  network_policy {
    enabled = false
  }
  ip_allocation_policy {
    cluster_secondary_range_name  = var.network.pods
    services_secondary_range_name = var.network.services
  }
  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = true
    master_ipv4_cidr_block  = var.control_plane.cidr
  }
  master_authorized_networks_config {
    gcp_public_cidrs_access_enabled = false
    dynamic "cidr_blocks" {
      for_each = local.authorized
      content {
        display_name = cidr_blocks.key
        cidr_block   = cidr_blocks.value
      }
    }
  }
  # A name in place of an address: IAM decides who may connect, before Kubernetes is asked.
  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic = var.control_plane.dns_from_outside
    }
    ip_endpoints_config {
      enabled = true
    }
  }
  dns_config {
    cluster_dns       = "CLOUD_DNS"
    cluster_dns_scope = "CLUSTER_SCOPE"
  }
  gateway_api_config {
    channel = "CHANNEL_STANDARD"
  }
  service_external_ips_config {
    enabled = false
  }

  workload_identity_config {
    workload_pool = "${var.project_id}.svc.id.goog"
  }
  authenticator_groups_config {
    security_group = var.control_plane.security_group
  }
  # Nobody without a name, but for the health checks of load balancers.
  anonymous_authentication_config {
    mode = "LIMITED"
  }
  rbac_binding_config {
    enable_insecure_binding_system_unauthenticated = false
    enable_insecure_binding_system_authenticated   = false
  }
  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }

  database_encryption {
    state    = "ENCRYPTED"
    key_name = var.kms_key
  }
  binary_authorization {
    evaluation_mode = "PROJECT_SINGLETON_POLICY_ENFORCE"
  }
  security_posture_config {
    mode               = "BASIC"
    vulnerability_mode = "VULNERABILITY_DISABLED" # The registry scans; GKE's own basic scan has ended.
  }
  secret_manager_config {
    enabled = false # External Secrets reads them, on every kind of cluster alike.
  }

  release_channel {
    channel = var.release_channel
  }
  maintenance_policy {
    recurring_window {
      start_time = var.maintenance.start
      end_time   = var.maintenance.end
      recurrence = var.maintenance.recurrence
    }
  }

  logging_config {
    enable_components = ["SYSTEM_COMPONENTS", "WORKLOADS", "APISERVER", "SCHEDULER", "CONTROLLER_MANAGER"]
  }
  monitoring_config {
    enable_components = ["SYSTEM_COMPONENTS", "POD", "DEPLOYMENT", "STATEFULSET", "HPA", "STORAGE", "KUBELET", "CADVISOR", "DCGM"]
    managed_prometheus {
      enabled = true
    }
    advanced_datapath_observability_config {
      enable_metrics = true
      enable_relay   = false
    }
  }
  cost_management_config {
    enabled = true
  }

  addons_config {
    gce_persistent_disk_csi_driver_config {
      enabled = true
    }
    gcs_fuse_csi_driver_config {
      enabled = false
    }
    horizontal_pod_autoscaling {
      disabled = false
    }
    http_load_balancing {
      disabled = false
    }
    network_policy_config {
      disabled = true
    }
  }
  cluster_autoscaling {
    enabled             = false
    autoscaling_profile = "OPTIMIZE_UTILIZATION"
  }
  node_pool_defaults {
    node_config_defaults {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }
  }
  node_config {
    service_account = var.node_service_account
    image_type      = "COS_CONTAINERD"
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
    metadata        = { disable-legacy-endpoints = "true" }
    kubelet_config {
      insecure_kubelet_readonly_port_enabled = "FALSE"
    }
    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }
    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  lifecycle {
    # Of the pool that is gone by then; a change of it would make a new cluster.
    ignore_changes = [node_config, initial_node_count]
  }
}
