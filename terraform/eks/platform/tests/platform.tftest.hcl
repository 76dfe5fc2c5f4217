mock_provider "kubernetes" {}
mock_provider "helm" {}

variables {
  environment = "dev"
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
    condition     = strcontains(output.kustomize_values, "\ndatabase_host=demand-kfp.abcdefghijkl.eu-west-1.rds.amazonaws.com\n") && strcontains(output.kustomize_values, "\ndatabase_cidr=10.20.0.0/18\n")
    error_message = "KFP finds its database in the private subnets: ${output.kustomize_values}"
  }

  assert {
    condition     = strcontains(output.kustomize_values, "\npipeline_identity=arn:aws:iam::111122223333:role/demand-pipeline\n")
    error_message = "Pods of pipelines take the pipeline's role."
  }

  assert {
    condition     = kubernetes_storage_class_v1.disks.parameters["encrypted"] == "true"
    error_message = "Volumes of pods are encrypted."
  }
}

run "services_of_nodes_have_roles_of_their_own" {
  command = plan

  module {
    source = "../../modules/aws/node_services"
  }

  variables {
    cluster   = { name = "demand", region = "eu-west-1" }
    log_group = "/demand/pods"
    roles     = { autoscaler = "arn:aws:iam::111122223333:role/demand-autoscaler", logs = "arn:aws:iam::111122223333:role/demand-logs" }
  }

  assert {
    condition     = yamldecode(helm_release.autoscaler.values[0]).rbac.serviceAccount == { name = "cluster-autoscaler", annotations = { "eks.amazonaws.com/role-arn" = "arn:aws:iam::111122223333:role/demand-autoscaler" } }
    error_message = "The autoscaler's service account is the one that its role trusts."
  }

  assert {
    condition     = strcontains(yamldecode(helm_release.logs.values[0]).config.outputs, "auto_create_group Off")
    error_message = "The collector makes no log group that nobody encrypts."
  }
}
