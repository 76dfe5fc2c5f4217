mock_provider "kubernetes" {}
mock_provider "helm" {}

variables {
  cluster     = "kind"
  kubeconfig  = { context = "kind-demand" }
  environment = "dev"
  images      = { pattern = "registry.example/demandcast*", subject = "https://github.com/example/demandcast/.github/workflows/images.yml@refs/heads/main" }
}

run "a_laptop_gets_namespaces_and_nothing_else" {
  command = apply
  assert {
    condition     = output.namespaces == { kubeflow = "kubeflow", serving = "demand-serving", monitoring = "monitoring" }
    error_message = "Namespaces have the names that manifests and configuration use: ${jsonencode(output.namespaces)}"
  }
  assert {
    condition     = output.logs == null && length(kubernetes_storage_class_v1.this) == 0 && length(kubernetes_secret_v1.object_store) == 0
    error_message = "Options are off until somebody asks for them."
  }
  assert {
    condition     = strcontains(output.kustomize_values, "control_plane_cidr=172.18.0.0/16\n")
    error_message = "The values of the overlay are there: ${output.kustomize_values}"
  }
}

run "options_bring_metrics_logs_and_secrets" {
  command = apply
  variables {
    cluster             = "other"
    kubeconfig          = { context = "production" }
    environment         = "prod"
    storage_class       = { provisioner = "driver.example" }
    object_store_secret = true
    external_secrets    = {}
    monitoring          = {}
    logging             = {}
  }
  assert {
    condition     = output.logs == "opensearch-cluster-master:9200"
    error_message = "Logs go to the OpenSearch that is installed."
  }
  assert {
    condition     = length(output.namespaces) == 5
    error_message = "Each option has a namespace of its own: ${jsonencode(output.namespaces)}"
  }
  assert {
    condition     = kubernetes_storage_class_v1.this[0].reclaim_policy == "Retain"
    error_message = "Volumes that are given up are kept."
  }
}

run "logs_can_go_elsewhere" {
  command = plan
  module {
    source = "../../modules/kubernetes/logging"
  }
  variables {
    namespace   = "logging"
    destination = { host = "logs.example.com", secret = "logs" }
  }
  assert {
    condition     = length(helm_release.opensearch) == 0 && length(kubernetes_secret_v1.admin) == 0
    error_message = "No OpenSearch is installed where there is one."
  }
  assert {
    condition     = strcontains(yamldecode(helm_release.fluent_bit.values[0]).config.outputs, "Host logs.example.com\n") && strcontains(yamldecode(helm_release.fluent_bit.values[0]).config.outputs, "tls.verify On\n")
    error_message = "Collectors write to it, and check its certificate."
  }
  assert {
    condition     = strcontains(yamldecode(helm_release.fluent_bit.values[0]).config.outputs, "HTTP_Passwd $${DESTINATION_PASSWORD}\n")
    error_message = "The password comes from the secret, by the environment."
  }
}

run "kinds_values_do_not_go_to_another_cluster" {
  command = plan
  variables {
    kubeconfig = { context = "production" }
  }
  expect_failures = [var.kubeconfig]
}
