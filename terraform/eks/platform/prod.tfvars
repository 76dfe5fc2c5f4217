# Production: two of everything.
environment      = "prod"
external_secrets = { replicas = 2 }
monitoring       = { days = 30, gib = 100, replicas = 2 }
signing          = { subject = "https://github.com/example/demandcast/.github/workflows/images.yml@refs/heads/main" }

quotas = {
  kubeflow = { "requests.cpu" = "128", "requests.memory" = "512Gi", "requests.nvidia.com/gpu" = "4", "pods" = "400", "services.loadbalancers" = "0" }
  serving  = { "requests.cpu" = "64", "requests.memory" = "128Gi", "pods" = "60", "services.loadbalancers" = "0" }
}
