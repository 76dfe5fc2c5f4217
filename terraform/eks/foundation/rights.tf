# Who may do what, in one place: rows of the table in docs/infrastructure.md.
locals {
  bucket = { for key, bucket in module.buckets : key => bucket.arn }

  # Listing is a right on the bucket, and reading a list is all it gives.
  list = {
    for key, arn in local.bucket : key => [{ actions = ["s3:ListBucket", "s3:GetBucketLocation"], resources = [arn] }]
  }
  read = {
    for key, arn in local.bucket : key => concat(local.list[key], [{ actions = ["s3:GetObject"], resources = ["${arn}/*"] }])
  }
  write = {
    for key, arn in local.bucket : key => concat(local.read[key], [
      { actions = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"], resources = ["${arn}/*"] },
    ])
  }

  # A key is used through its service alone.
  decrypt = [{
    actions    = ["kms:Decrypt"]
    resources  = [module.kms.arns["storage"]]
    conditions = { StringEquals = { "kms:ViaService" = ["s3.${var.region}.amazonaws.com"] } }
  }]
  encrypt = [{
    actions    = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources  = [module.kms.arns["storage"]]
    conditions = { StringEquals = { "kms:ViaService" = ["s3.${var.region}.amazonaws.com"] } }
  }]

  repositories = values(module.registry.arns)
  managed      = "arn:${local.partition}:iam::aws:policy"

  pod_roles = {
    pipeline = {
      subjects = ["system:serviceaccount:kubeflow:pipeline-runner"]
      rights   = concat(local.read["data"], local.write["pipeline_root"], local.write["serving"], local.encrypt)
    }
    serving = {
      subjects = ["system:serviceaccount:demand-serving:demand-serving"]
      rights   = concat(local.read["serving"], local.decrypt)
    }
    kfp = {
      subjects = ["system:serviceaccount:kubeflow:ml-pipeline", "system:serviceaccount:kubeflow:ml-pipeline-ui"]
      rights   = concat(local.write["pipeline_root"], local.encrypt)
    }
    secrets = {
      subjects = ["system:serviceaccount:external-secrets:external-secrets"]
      rights = [
        {
          actions   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
          resources = concat([module.database.secret_arn], values(module.secrets.arns))
        },
        {
          actions    = ["kms:Decrypt"]
          resources  = [module.kms.arns["secrets"]]
          conditions = { StringEquals = { "kms:ViaService" = ["secretsmanager.${var.region}.amazonaws.com"] } }
        },
      ]
    }
    logs = {
      subjects = ["system:serviceaccount:kube-system:fluent-bit"]
      rights = [
        {
          actions   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
          resources = ["${aws_cloudwatch_log_group.pods.arn}:*"]
        },
        # Asked without a name before the first line is written.
        { actions = ["logs:DescribeLogGroups"], resources = ["*"] },
      ]
    }
    autoscaler = {
      subjects = ["system:serviceaccount:kube-system:cluster-autoscaler"]
      rights = [
        {
          actions = [
            "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances", "autoscaling:DescribeLaunchConfigurations",
            "autoscaling:DescribeScalingActivities", "autoscaling:DescribeTags", "ec2:DescribeImages", "ec2:DescribeInstanceTypes",
            "ec2:DescribeLaunchTemplateVersions", "ec2:GetInstanceTypesFromInstanceRequirements",
          ]
          resources = ["*"]
        },
        {
          actions    = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
          resources  = ["*"]
          conditions = { StringEquals = { "aws:ResourceTag/k8s.io/cluster-autoscaler/${var.name}" = ["owned"] } }
        },
        {
          actions   = ["eks:DescribeNodegroup"]
          resources = ["arn:${local.partition}:eks:${var.region}:${var.account_id}:nodegroup/${var.name}/*"]
        },
      ]
    }
    cni = {
      subjects    = ["system:serviceaccount:kube-system:aws-node"]
      policy_arns = { cni = "${local.managed}/AmazonEKS_CNI_Policy" }
    }
    disks = {
      subjects    = ["system:serviceaccount:kube-system:ebs-csi-controller-sa"]
      policy_arns = { disks = "${local.managed}/service-role/AmazonEBSCSIDriverPolicy" }
    }
    files = {
      subjects    = ["system:serviceaccount:kube-system:efs-csi-controller-sa"]
      policy_arns = { files = "${local.managed}/service-role/AmazonEFSCSIDriverPolicy" }
    }
  }

  addon_roles = { vpc-cni = "cni", aws-ebs-csi-driver = "disks", aws-efs-csi-driver = "files" }

  ci_roles = {
    ci = {
      subjects = try(var.ci.subjects, [])
      rights = concat(local.write["pipeline_root"], local.encrypt, [
        # Asked for the whole registry; it opens no repository by itself.
        { actions = ["ecr:GetAuthorizationToken"], resources = ["*"] },
        {
          actions = [
            "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
            "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
          ]
          resources = local.repositories
        },
        { actions = ["eks:DescribeCluster"], resources = ["arn:${local.partition}:eks:${var.region}:${var.account_id}:cluster/${var.name}"] },
      ])
    }
  }
}
