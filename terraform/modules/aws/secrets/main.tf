# Without values, which would be in the state: they come by the console, the command line or a rotation.
resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:Whoever puts the value in knows how it is renewed
  for_each = var.secrets

  name                    = "${var.name}-${each.key}"
  description             = each.value
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_days
}
