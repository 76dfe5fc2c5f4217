# kind on a laptop: nothing but namespaces and a small Prometheus.
cluster            = "kind"
kubeconfig         = { context = "kind-demand" }
environment        = "dev"
control_plane_cidr = "172.18.0.0/16"
images             = { pattern = "registry.example/demandcast*", subject = "https://github.com/example/demandcast/.github/workflows/images.yml@refs/heads/main" }
monitoring         = { days = 2, gib = 5 }
