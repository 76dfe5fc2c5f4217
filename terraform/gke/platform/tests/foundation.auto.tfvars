# What a foundation says, for tests and for a plan without one: -var-file=tests/foundation.auto.tfvars
foundation = {
  project_id             = "example-dev"
  environment            = "dev"
  name                   = "demand"
  cluster_name           = "demand"
  cluster_endpoint       = "gke-0123456789ab.europe-west1.gke.goog"
  cluster_ca_certificate = ""
  control_plane_cidr     = "172.16.0.0/28"
  region                 = "europe-west1"
  buckets = {
    pipeline_root = "example-dev-demand-pipeline-root", data = "example-dev-demand-data", serving = "example-dev-demand-serving", logs = "example-dev-demand-logs"
  }
  identities = {
    pipeline = "demand-pipeline@example-dev.iam.gserviceaccount.com", serving = "demand-serving@example-dev.iam.gserviceaccount.com"
    kfp      = "demand-kfp@example-dev.iam.gserviceaccount.com", secrets = "demand-secrets@example-dev.iam.gserviceaccount.com"
    nodes    = "demand-nodes@example-dev.iam.gserviceaccount.com", ci = "demand-ci@example-dev.iam.gserviceaccount.com"
  }
  registry = "europe-west1-docker.pkg.dev/example-dev/demand"
  network  = "projects/example-dev/global/networks/demand"
  database = { host = "10.40.0.3", port = 3306, name = "demand-kfp", secret_name = "demand-kfp-database", instance = "example-dev:europe-west1:demand-kfp" }
}
