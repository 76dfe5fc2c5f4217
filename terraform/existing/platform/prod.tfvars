# A cluster of one's own: metrics, logs, secrets from elsewhere, and keys of its own for the store.
cluster             = "other"
kubeconfig          = { context = "production" }
environment         = "prod"
control_plane_cidr  = "10.0.0.0/24"
groups              = { platform = "oidc:demand-platform", developer = "oidc:demand-developers", viewer = "oidc:demand-viewers", delivery = "oidc:demand-ci" }
images              = { pattern = "registry.example/demandcast*", subject = "https://github.com/example/demandcast/.github/workflows/images.yml@refs/heads/main" }
storage_class       = { provisioner = "driver.longhorn.io", parameters = { numberOfReplicas = "3", encrypted = "true" } }
object_store_secret = true
external_secrets    = { replicas = 2 }
monitoring          = { days = 30, gib = 100, replicas = 2 }
logging             = { nodes = 3, gib = 100 }
quotas = {
  kubeflow = { "requests.cpu" = "128", "requests.memory" = "512Gi", "requests.nvidia.com/gpu" = "4", "pods" = "400", "services.loadbalancers" = "0" }
  serving  = { "requests.cpu" = "64", "requests.memory" = "128Gi", "pods" = "60", "services.loadbalancers" = "0" }
}
