locals {
  username = "kfp"
  # 122 random bits, and a character of each kind. It goes to arguments that are written and never kept,
  # so it is another one in each run and matters only in those that write it.
  password = sensitive("Kf_${uuid()}")
}

resource "google_sql_database_instance" "this" {
  project             = var.project_id
  name                = var.name
  region              = var.region
  database_version    = "MYSQL_8_0" # ML Metadata, a part of KFP 2, cannot log in to 8.4 (google/ml-metadata#178).
  encryption_key_name = var.kms_key
  deletion_protection = var.deletion_protection

  settings {
    tier                        = var.size.tier
    edition                     = "ENTERPRISE"
    availability_type           = var.size.highly_available ? "REGIONAL" : "ZONAL"
    disk_type                   = "PD_SSD"
    disk_size                   = var.size.disk_gb
    disk_autoresize             = true
    deletion_protection_enabled = var.deletion_protection
    retain_backups_on_delete    = var.backup.after_end
    connector_enforcement       = "REQUIRED"
    user_labels                 = var.labels

    # Only by the Auth Proxy: it brings a certificate of an hour, for which IAM asks who it is.
    ip_configuration {
      ipv4_enabled                                  = false
      private_network                               = var.network_id
      ssl_mode                                      = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
      enable_private_path_for_google_cloud_services = false
    }
    backup_configuration {
      enabled                        = true
      binary_log_enabled             = true
      start_time                     = var.backup.start
      location                       = var.region
      transaction_log_retention_days = var.backup.log_days
      backup_retention_settings {
        retention_unit   = "COUNT"
        retained_backups = var.backup.keep
      }
    }
    maintenance_window {
      day          = 7
      hour         = 4
      update_track = "stable"
    }
    database_flags {
      name  = "local_infile"
      value = "off"
    }
    database_flags {
      name  = "skip_show_database"
      value = "on"
    }
    database_flags {
      name  = "cloudsql_iam_authentication"
      value = "on"
    }
    # What ML Metadata understands.
    database_flags {
      name  = "default_authentication_plugin"
      value = "mysql_native_password"
    }
    password_validation_policy {
      enable_password_policy      = true
      min_length                  = 24
      complexity                  = "COMPLEXITY_DEFAULT"
      disallow_username_substring = false
    }
    insights_config {
      query_insights_enabled = true
    }
  }

  lifecycle {
    ignore_changes = [settings[0].disk_size] # It grows by itself.
  }
}

resource "google_sql_user" "kfp" {
  project             = var.project_id
  instance            = google_sql_database_instance.this.name
  name                = local.username
  host                = "%"
  password_wo         = local.password
  password_wo_version = var.password_version
}

# After the user, so that there is no password in the secret that the database does not know.
resource "google_secret_manager_secret_version" "kfp" {
  secret                 = var.secret
  secret_data_wo         = jsonencode({ username = local.username, password = local.password })
  secret_data_wo_version = var.password_version
  depends_on             = [google_sql_user.kfp]
}
