# Where the platform's collector puts what pods write.
resource "aws_cloudwatch_log_group" "pods" {
  #checkov:skip=CKV_AWS_338:One year is the default; development may keep less
  name              = "/${var.name}/pods"
  retention_in_days = var.retention_days.logs
  kms_key_id        = module.kms.arns["logs"]
}
