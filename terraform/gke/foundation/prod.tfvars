# Production: three zones, a database with a copy, logs for more than a year. terraform apply -var-file=prod.tfvars
project_id    = "example-prod"
region        = "europe-west1"
zones         = ["europe-west1-b", "europe-west1-c", "europe-west1-d"]
name          = "demand"
environment   = "prod"
control_plane = { security_group = "gke-security-groups@example.com", release_channel = "STABLE" }
cpu_pool      = { machine_type = "e2-standard-8", spot = false, min = 3, max = 12 }
gpu_pool      = { machine_type = "g2-standard-12", spot = false, max = 4, zones = ["europe-west1-b", "europe-west1-c"] }
database      = { tier = "db-custom-2-7680", disk_gb = 50, highly_available = true }
storage       = { artifact_days = 180, log_days = 90, log_delete_days = 400 }
ci            = { github = { repository = "example/demandcast" } }
admission     = { enforce = true }
