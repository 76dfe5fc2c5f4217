resource "aws_cloudwatch_log_group" "trail" {
  #checkov:skip=CKV_AWS_338:One year is the default; development may keep less
  name              = "/${var.name}/audit"
  retention_in_days = var.retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "trail" {
  name                 = "${var.name}-audit"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "cloudtrail.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "trail" {
  name = "write"
  role = aws_iam_role.trail.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.trail.arn}:*"
    }]
  })
}

resource "aws_cloudtrail" "this" {
  #checkov:skip=CKV_AWS_252:CloudWatch alarms on the log group; a topic per file of the trail says nothing more
  name                          = var.name
  s3_bucket_name                = var.bucket
  s3_key_prefix                 = "cloudtrail"
  kms_key_id                    = var.kms_key_arn
  cloud_watch_logs_group_arn    = "${aws_cloudwatch_log_group.trail.arn}:*"
  cloud_watch_logs_role_arn     = aws_iam_role.trail.arn
  is_multi_region_trail         = true
  include_global_service_events = true
  enable_log_file_validation    = true

  dynamic "event_selector" {
    for_each = length(var.object_arns) > 0 ? [var.object_arns] : []

    content {
      read_write_type           = "All"
      include_management_events = true

      data_resource {
        type   = "AWS::S3::Object"
        values = event_selector.value
      }
    }
  }

  depends_on = [aws_iam_role_policy.trail]
}
