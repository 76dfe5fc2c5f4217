# Terraform's mocks know no ephemeral resources, which keep the password of the database out of the state.
# So these look at the modules one by one; terraform/tests/test_eks_apply.py applies the whole.
mock_provider "aws" {}

run "the_private_subnets_are_in_one_range" {
  command = plan

  module {
    source = "../../modules/aws/network"
  }

  variables {
    name      = "demand"
    region    = "eu-west-1"
    zones     = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    nat       = "single"
    flow_logs = { kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000" }
  }

  assert {
    condition     = length(aws_subnet.private) == 3 && output.private_cidr == "10.0.0.0/18"
    error_message = "Three private subnets, which one range holds."
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && alltrue([for subnet in aws_subnet.public : !subnet.map_public_ip_on_launch])
    error_message = "One way out, and no machine with a public address."
  }

  assert {
    condition     = toset(keys(aws_vpc_endpoint.interface)) == toset(["ecr.api", "ecr.dkr", "sts", "logs", "ec2", "secretsmanager", "kms"])
    error_message = "What the platform asks of AWS does not leave the network."
  }
}

run "a_role_trusts_who_is_named_and_nobody_else" {
  command = apply

  module {
    source = "../../modules/aws/identity"
  }

  variables {
    name   = "demand"
    issuer = { arn = "arn:aws:iam::111122223333:oidc-provider/gitlab.com", issuer = "gitlab.com", audience = "https://gitlab.com" }
    roles  = { ci = { subjects = ["project_path:example/demandcast:ref_type:branch:ref:main"] } }
  }

  assert {
    condition = jsondecode(aws_iam_role.this["ci"].assume_role_policy).Statement[0].Condition == {
      StringEquals = {
        "gitlab.com:sub" = ["project_path:example/demandcast:ref_type:branch:ref:main"]
        "gitlab.com:aud" = "https://gitlab.com"
      }
    }
    error_message = "The subject and the audience have to be equal to what is named."
  }

  assert {
    condition     = aws_iam_role.this["ci"].name == "demand-ci" && length(aws_iam_role_policy.rights) == 0
    error_message = "A role without rights has no policy."
  }
}

run "the_endpoint_is_private_and_secrets_are_encrypted" {
  command = plan

  module {
    source = "../../modules/aws/eks"
  }

  variables {
    name            = "demand"
    network_id      = "vpc-00000000000000001"
    subnet_ids      = ["subnet-00000000000000001", "subnet-00000000000000002"]
    secrets_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"
    logs            = { kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000" }
  }

  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_private_access && !aws_eks_cluster.this.vpc_config[0].endpoint_public_access
    error_message = "The API has no public address unless addresses are named."
  }

  assert {
    condition     = aws_eks_cluster.this.encryption_config[0].resources == toset(["secrets"])
    error_message = "Kubernetes' secrets are encrypted with a key of ours."
  }

  assert {
    condition     = length(aws_eks_cluster.this.enabled_cluster_log_types) == 5
    error_message = "All logs of the control plane are kept."
  }
}

run "gpus_come_from_none_and_keep_others_away" {
  command = plan

  module {
    source = "../../modules/aws/node_group"
  }

  variables {
    name               = "gpu"
    cluster_name       = "demand"
    kubernetes_version = "1.33"
    role_arn           = "arn:aws:iam::111122223333:role/demand-nodes"
    subnet_ids         = ["subnet-00000000000000001"]
    security_group_ids = ["sg-00000000000000001"]
    instances          = { types = ["g5.2xlarge"], gpu = true }
    size               = { min = 0, max = 2 }
    disk               = { kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000" }
  }

  assert {
    condition     = aws_eks_node_group.this.scaling_config[0].desired_size == 0 && aws_eks_node_group.this.ami_type == "AL2023_x86_64_NVIDIA"
    error_message = "No machine with a GPU is paid for until a pod asks for one, and it has drivers then."
  }

  assert {
    condition     = one(aws_eks_node_group.this.taint) == { key = "nvidia.com/gpu", value = "present", effect = "NO_SCHEDULE" } && aws_eks_node_group.this.labels["pool"] == "gpu"
    error_message = "The taint and the label are those of examples/kubeflow.yaml."
  }

  assert {
    condition     = aws_launch_template.this.metadata_options[0].http_tokens == "required" && aws_launch_template.this.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "Pods cannot take the role of their node."
  }
}

run "buckets_refuse_what_has_no_tls" {
  command = apply

  module {
    source = "../../modules/aws/bucket"
  }

  variables {
    name = "111122223333-demand-eu-west-1-logs"
    logs = { account_id = "111122223333", services = ["s3", "cloudtrail"] }
  }

  assert {
    condition     = contains([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Sid], "OnlyTls")
    error_message = "Connections without TLS are refused."
  }

  assert {
    condition     = contains([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : statement.Sid], "Kept")
    error_message = "Nobody deletes logs."
  }
}
