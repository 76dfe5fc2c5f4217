resource "aws_iam_openid_connect_provider" "this" {
  count = var.existing_arn == null ? 1 : 0

  url            = var.url
  client_id_list = [var.audience]
}
