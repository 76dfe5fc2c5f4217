locals {
  everything = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]

  tls = [{
    Sid       = "OnlyTls"
    Effect    = "Deny"
    Principal = { AWS = "*" }
    Action    = "s3:*"
    Resource  = local.everything
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }]

  # S3 writes no access logs into a bucket with object lock. So a policy keeps them: nobody deletes a log
  # before its time but who may first take the policy away, which the trail then shows.
  kept = [{
    Sid       = "Kept"
    Effect    = "Deny"
    Principal = { AWS = "*" }
    Action    = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    Resource  = "${aws_s3_bucket.this.arn}/*"
  }]

  writers = var.logs == null ? {} : {
    s3 = [{
      Sid       = "AccessLogs"
      Effect    = "Allow"
      Principal = { Service = "logging.s3.amazonaws.com" }
      Action    = "s3:PutObject"
      Resource  = "${aws_s3_bucket.this.arn}/*"
      Condition = { StringEquals = { "aws:SourceAccount" = var.logs.account_id } }
    }]
    cloudtrail = [
      {
        Sid       = "TrailAsks"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "s3:GetBucketAcl"
        Resource  = aws_s3_bucket.this.arn
        Condition = { StringEquals = { "aws:SourceAccount" = var.logs.account_id } }
      },
      {
        Sid       = "TrailWrites"
        Effect    = "Allow"
        Principal = { Service = "cloudtrail.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${aws_s3_bucket.this.arn}/cloudtrail/AWSLogs/${var.logs.account_id}/*"
        Condition = { StringEquals = { "aws:SourceAccount" = var.logs.account_id, "s3:x-amz-acl" = "bucket-owner-full-control" } }
      },
    ]
  }

  statements = concat(
    local.tls,
    var.logs == null ? [] : local.kept,
    flatten([for service in sort(try(var.logs.services, [])) : local.writers[service]]),
  )
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_144:Copies in a second region are a choice of cost; versions and backups are in this one
  #checkov:skip=CKV2_AWS_62:Nothing acts on single objects
  #checkov:skip=CKV_AWS_18:Every bucket is given the bucket of logs, which cannot log into itself
  #checkov:skip=CKV_AWS_145:A key is given for all but the bucket of logs, into which S3 writes with its own key alone
  bucket        = var.name
  force_destroy = var.delete_objects
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    # One key of a bucket in place of one call to KMS for each object.
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "tidy"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.lifecycle_days.replaced
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = var.lifecycle_days.unfinished_upload
    }
  }

  dynamic "rule" {
    for_each = var.lifecycle_days.expire

    content {
      id     = rule.key == "" ? "expire" : "expire-${replace(trimsuffix(rule.key, "/"), "/", "-")}"
      status = "Enabled"

      filter {
        prefix = rule.key
      }

      expiration {
        days = rule.value
      }
    }
  }

  # Rules about versions mean nothing before there are versions.
  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_logging" "this" {
  count = var.access_logs == null ? 0 : 1

  bucket        = aws_s3_bucket.this.id
  target_bucket = var.access_logs.bucket
  target_prefix = "s3/${var.name}/"
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })

  depends_on = [aws_s3_bucket_public_access_block.this]
}
