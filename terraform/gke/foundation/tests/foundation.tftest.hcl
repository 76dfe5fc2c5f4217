mock_provider "google" {
  override_data {
    target = data.google_project.this
    values = { number = "123456789" }
  }
}

variables {
  project_id    = "example-test"
  region        = "europe-west1"
  environment   = "dev"
  control_plane = { security_group = "gke-security-groups@example.com" }
  ci            = { github = { repository = "example/demandcast" } }
}

run "names_agree_with_the_platform" {
  command = plan

  assert {
    condition     = output.buckets == { pipeline_root = "example-test-demand-pipeline-root", data = "example-test-demand-data", serving = "example-test-demand-serving", logs = "example-test-demand-logs" }
    error_message = "Buckets are named by project, prefix and use: ${jsonencode(output.buckets)}"
  }
  assert {
    condition = output.identities == {
      for use in ["pipeline", "serving", "kfp", "secrets", "nodes", "ci"] : use => "demand-${use}@example-test.iam.gserviceaccount.com"
    }
    error_message = "Service accounts are named by prefix and use: ${jsonencode(output.identities)}"
  }
  assert {
    condition     = output.registry == "europe-west1-docker.pkg.dev/example-test/demand"
    error_message = "The registry is named by region, project and prefix: ${output.registry}"
  }
  assert {
    condition     = output.database.secret_name == "demand-kfp-database" && output.database.port == 3306
    error_message = "The secret and the port of the database are those that the manifests name."
  }
  assert {
    condition     = length(output.federation) == 1 && length(module.database.name) > 0
    error_message = "One provider of identities for one place of CI."
  }
}

run "the_control_plane_and_nodes_are_private" {
  command = plan
  module {
    source = "../../modules/gcp/gke"
  }
  variables {
    name                 = "demand"
    network              = { id = "network", subnetwork = "nodes", nodes = "10.10.0.0/20" }
    kms_key              = "key"
    node_service_account = "demand-nodes@example-test.iam.gserviceaccount.com"
    labels               = { app = "demand" }
  }
  assert {
    condition     = google_container_cluster.this.private_cluster_config[0].enable_private_nodes && google_container_cluster.this.private_cluster_config[0].enable_private_endpoint
    error_message = "Neither nodes nor the API server have a public address."
  }
  assert {
    condition     = google_container_cluster.this.datapath_provider == "ADVANCED_DATAPATH" && !google_container_cluster.this.network_policy[0].enabled
    error_message = "Dataplane V2 enforces network policies, and the older way is off."
  }
  assert {
    condition     = google_container_cluster.this.workload_identity_config[0].workload_pool == "example-test.svc.id.goog"
    error_message = "Pods have identities of the project's pool."
  }
  assert {
    condition     = google_container_cluster.this.database_encryption[0].state == "ENCRYPTED" && google_container_cluster.this.database_encryption[0].key_name == "key"
    error_message = "Secrets of the cluster are encrypted with a key of the project."
  }
  assert {
    condition     = google_container_cluster.this.resource_labels == tomap({ app = "demand", cluster = "demand" })
    error_message = "The cluster carries labels."
  }
  assert {
    condition     = google_container_cluster.this.remove_default_node_pool && !google_container_cluster.this.enable_legacy_abac
    error_message = "The default pool goes, and rights come from RBAC alone."
  }
  assert {
    condition     = one(google_container_cluster.this.master_authorized_networks_config[0].cidr_blocks).cidr_block == "10.10.0.0/20"
    error_message = "Only the nodes' network reaches the API server's address."
  }
}

run "nodes_with_gpus_come_from_nothing_and_take_no_other_pods" {
  command = plan
  module {
    source = "../../modules/gcp/node_pool"
  }
  variables {
    name            = "gpu"
    cluster         = "demand"
    machine         = { type = "g2-standard-12" }
    nodes           = { min = 0, max = 2 }
    gpu             = { type = "nvidia-l4", count = 1 }
    service_account = "demand-nodes@example-test.iam.gserviceaccount.com"
    kms_key         = "key"
  }
  assert {
    condition     = google_container_node_pool.this.autoscaling[0].total_min_node_count == 0 && google_container_node_pool.this.autoscaling[0].total_max_node_count == 2
    error_message = "No node with a GPU stays when no pod needs one."
  }
  assert {
    condition     = google_container_node_pool.this.node_config[0].taint == tolist([{ key = "nvidia.com/gpu", value = "present", effect = "NO_SCHEDULE" }])
    error_message = "The taint is nvidia.com/gpu=present:NoSchedule."
  }
  assert {
    condition     = google_container_node_pool.this.node_config[0].labels == tomap({ pool = "gpu" })
    error_message = "Pods find the pool by the label pool."
  }
  assert {
    condition     = length(google_container_node_pool.this.node_config[0].guest_accelerator[0].gpu_driver_installation_config) == 1
    error_message = "Google installs the driver."
  }
  assert {
    condition     = google_container_node_pool.this.network_config[0].enable_private_nodes
    error_message = "Nodes have no public address."
  }
}

run "other_nodes_take_all_pods" {
  command = plan
  module {
    source = "../../modules/gcp/node_pool"
  }
  variables {
    name            = "cpu"
    cluster         = "demand"
    nodes           = { min = 1, max = 3 }
    service_account = "demand-nodes@example-test.iam.gserviceaccount.com"
    kms_key         = "key"
  }
  assert {
    condition     = length(google_container_node_pool.this.node_config[0].taint) == 0 && length(google_container_node_pool.this.node_config[0].guest_accelerator) == 0
    error_message = "A pool without GPUs has no taint."
  }
}

run "the_database_has_no_public_address" {
  command = plan
  module {
    source = "../../modules/gcp/database"
  }
  variables {
    name       = "demand-kfp"
    network_id = "network"
    kms_key    = "key"
    secret     = "projects/example-test/secrets/demand-kfp-database"
  }
  assert {
    condition     = !google_sql_database_instance.this.settings[0].ip_configuration[0].ipv4_enabled
    error_message = "The database has a private address only."
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].ip_configuration[0].ssl_mode == "TRUSTED_CLIENT_CERTIFICATE_REQUIRED" && google_sql_database_instance.this.settings[0].connector_enforcement == "REQUIRED"
    error_message = "Connections come encrypted, through the Auth Proxy."
  }
  assert {
    condition     = google_sql_database_instance.this.settings[0].backup_configuration[0].enabled && google_sql_database_instance.this.settings[0].backup_configuration[0].binary_log_enabled
    error_message = "There are backups, and a log to go back to any moment."
  }
  assert {
    condition     = contains([for flag in google_sql_database_instance.this.settings[0].database_flags : "${flag.name}=${flag.value}"], "local_infile=off")
    error_message = "Clients cannot load files of theirs."
  }
}

run "buckets_are_not_public" {
  command = plan
  module {
    source = "../../modules/gcp/bucket"
  }
  variables {
    name       = "example-test-demand-serving"
    kms_key    = "key"
    log_bucket = "example-test-demand-logs"
    roles      = { serving = { role = "roles/storage.objectViewer", member = "serviceAccount:demand-serving@example-test.iam.gserviceaccount.com" } }
  }
  assert {
    condition     = google_storage_bucket.this.public_access_prevention == "enforced" && google_storage_bucket.this.uniform_bucket_level_access && google_storage_bucket.this.versioning[0].enabled
    error_message = "A bucket is private, and keeps older versions."
  }
  assert {
    condition     = google_storage_bucket_iam_member.this["serving"].role == "roles/storage.objectViewer"
    error_message = "The server reads."
  }
}

run "production_is_protected" {
  command = plan
  variables {
    environment = "prod"
  }
  assert {
    condition     = local.production
    error_message = "Production refuses to be destroyed."
  }
}

run "an_environment_is_dev_or_prod" {
  command = plan
  variables {
    environment = "staging"
  }
  expect_failures = [var.environment]
}
