mock_provider "google" {}
mock_provider "kubernetes" {}
mock_provider "helm" {}

variables {
  environment = "dev"
  groups      = { platform = "platform@example.com", developer = "developers@example.com", viewer = "viewers@example.com" }
  signing     = { subject = "https://github.com/example/demandcast/.github/workflows/images.yml@refs/heads/main" }
}

run "without_a_foundation_it_says_so" {
  command = plan
  variables {
    foundation = null
  }
  expect_failures = [var.foundation]
}

run "a_foundation_of_another_environment_is_refused" {
  command = plan
  variables {
    environment = "prod"
  }
  expect_failures = [var.foundation]
}

run "it_makes_the_namespaces_and_the_values_of_the_overlay" {
  command = apply

  assert {
    condition     = output.namespaces == { kubeflow = "kubeflow", serving = "demand-serving", monitoring = "monitoring", external_secrets = "external-secrets" }
    error_message = "Namespaces have the names that manifests and configuration use: ${jsonencode(output.namespaces)}"
  }
  assert {
    condition     = module.kubeflow.labels["pod-security.kubernetes.io/enforce"] == "baseline" && module.serving.labels["pod-security.kubernetes.io/enforce"] == "restricted"
    error_message = "Pods of pipelines are held to baseline, the server to restricted."
  }
  assert {
    condition     = strcontains(output.kustomize_values, "\ndatabase_host=cloud-sql-proxy.kubeflow\n") && strcontains(output.kustomize_values, "\ndatabase_cidr=10.40.0.3/32\n")
    error_message = "KFP finds its database through the proxy: ${output.kustomize_values}"
  }
  assert {
    condition     = strcontains(output.kustomize_values, "\npipeline_identity=demand-pipeline@example-dev.iam.gserviceaccount.com\n")
    error_message = "Pods of pipelines act as the pipeline's service account."
  }
  assert {
    condition     = output.serving.serving_directory == "gs://example-dev-demand-serving/serving"
    error_message = "Models lie in the serving bucket."
  }
}

run "the_operator_has_its_own_identity_and_no_store_for_all" {
  command = plan
  module {
    source = "../../modules/kubernetes/external_secrets"
  }
  variables {
    namespace                   = "external-secrets"
    service_account_annotations = { "iam.gke.io/gcp-service-account" = "demand-secrets@example-dev.iam.gserviceaccount.com" }
  }
  assert {
    condition     = yamldecode(helm_release.this.values[0]).serviceAccount == { name = "external-secrets", annotations = { "iam.gke.io/gcp-service-account" = "demand-secrets@example-dev.iam.gserviceaccount.com" } }
    error_message = "The operator's service account is external-secrets."
  }
  assert {
    condition     = !yamldecode(helm_release.this.values[0]).processClusterStore
    error_message = "There is no store for all namespaces."
  }
}

run "what_a_namespace_forbids" {
  command = plan
  module {
    source = "../../modules/kubernetes/namespace"
  }
  variables {
    name    = "external-secrets"
    network = { egress_ports = [443] }
  }
  assert {
    condition     = kubernetes_network_policy_v1.default_deny[0].spec[0].policy_types == tolist(["Ingress", "Egress"])
    error_message = "Nothing comes in or goes out by default."
  }
  assert {
    condition     = kubernetes_namespace_v1.this.metadata[0].labels["pod-security.kubernetes.io/enforce"] == "restricted"
    error_message = "Pods are restricted unless somebody says otherwise."
  }
  assert {
    condition     = length(kubernetes_network_policy_v1.egress) == 1 && length(kubernetes_network_policy_v1.ingress) == 0
    error_message = "What is named is open, and nothing else."
  }
}
