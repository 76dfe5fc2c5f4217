# Small: for trying things. terraform apply -var-file=dev.tfvars
project_id    = "example-dev"
region        = "europe-west1"
zones         = ["europe-west1-b"]
name          = "demand"
environment   = "dev"
control_plane = { security_group = "gke-security-groups@example.com" }
cpu_pool      = { machine_type = "e2-standard-8", spot = true, min = 1, max = 3 }
gpu_pool      = { machine_type = "g2-standard-12", spot = true, max = 1, zones = ["europe-west1-b"] }
database      = { tier = "db-custom-1-3840", disk_gb = 20, highly_available = false }
storage       = { artifact_days = 30, log_days = 7, log_delete_days = 30 }
ci            = { github = { repository = "example/demandcast" } }
admission     = { enforce = false }
