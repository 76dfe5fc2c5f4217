# Small: for trying things.
environment      = "dev"
external_secrets = { replicas = 1 }
monitoring       = { days = 7, gib = 20, replicas = 1 }
signing          = { subject = "https://github.com/example/demandcast/.github/workflows/images.yml@refs/heads/main" }

quotas = {
  kubeflow = { "requests.cpu" = "32", "requests.memory" = "128Gi", "requests.nvidia.com/gpu" = "1", "pods" = "100", "services.loadbalancers" = "0" }
  serving  = { "requests.cpu" = "8", "requests.memory" = "16Gi", "pods" = "10", "services.loadbalancers" = "0" }
}
