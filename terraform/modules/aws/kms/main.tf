locals {
  encrypt = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]

  # Without it nobody could administer the key, and roles could not be given its use by their policies.
  account = {
    Sid       = "Account"
    Effect    = "Allow"
    Principal = { AWS = "arn:${var.account.partition}:iam::${var.account.id}:root" }
    Action    = "kms:*"
    Resource  = "*"
  }

  services = {
    logs = [{
      Sid       = "Logs"
      Effect    = "Allow"
      Principal = { Service = "logs.${var.account.region}.amazonaws.com" }
      Action    = local.encrypt
      Resource  = "*"
      Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${var.account.partition}:logs:${var.account.region}:${var.account.id}:log-group:*" } }
    }]
    cloudtrail = [{
      Sid       = "Trail"
      Effect    = "Allow"
      Principal = { Service = "cloudtrail.amazonaws.com" }
      Action    = ["kms:GenerateDataKey*", "kms:DescribeKey"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:SourceArn" = "arn:${var.account.partition}:cloudtrail:${var.account.region}:${var.account.id}:trail/${var.name}" } }
    }]
    # As in AWS' own key for disks: the roles that attach disks differ between accounts, and a policy
    # that names one which does not exist yet is refused.
    disks = [
      {
        Sid       = "Disks"
        Effect    = "Allow"
        Principal = { AWS = "*" }
        Action    = local.encrypt
        Resource  = "*"
        Condition = { StringEquals = { "kms:CallerAccount" = var.account.id, "kms:ViaService" = "ec2.${var.account.region}.amazonaws.com" } }
      },
      {
        Sid       = "Attach"
        Effect    = "Allow"
        Principal = { AWS = "*" }
        Action    = "kms:CreateGrant"
        Resource  = "*"
        Condition = {
          StringEquals = { "kms:CallerAccount" = var.account.id, "kms:ViaService" = "ec2.${var.account.region}.amazonaws.com" }
          Bool         = { "kms:GrantIsForAWSResource" = "true" }
        }
      },
    ]
  }
}

resource "aws_kms_key" "this" {
  for_each = var.keys

  description             = each.value.description
  enable_key_rotation     = true
  rotation_period_in_days = each.value.rotation_days
  deletion_window_in_days = var.deletion_window_days

  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat([local.account], flatten([for service in sort(each.value.services) : local.services[service]]))
  })
}

resource "aws_kms_alias" "this" {
  for_each = var.keys

  name          = "alias/${var.name}-${each.key}"
  target_key_id = aws_kms_key.this[each.key].key_id
}
