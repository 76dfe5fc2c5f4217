resource "aws_iam_role" "this" {
  for_each = var.roles

  name                 = "${var.name}-${each.key}"
  description          = "For ${join(", ", sort(each.value.subjects))}"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = var.issuer.arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "${var.issuer.issuer}:sub" = sort(each.value.subjects)
          "${var.issuer.issuer}:aud" = var.issuer.audience
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "rights" {
  for_each = { for name, role in var.roles : name => role if length(role.rights) > 0 }

  name = "rights"
  role = aws_iam_role.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for right in each.value.rights : merge(
      { Effect = "Allow", Action = right.actions, Resource = right.resources },
      length(right.conditions) > 0 ? { Condition = right.conditions } : {},
    )]
  })
}

locals {
  attachments = merge([for name, role in var.roles : {
    for policy, arn in role.policy_arns : "${name}/${policy}" => { role = name, arn = arn }
  }]...)
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = local.attachments

  role       = aws_iam_role.this[each.value.role].name
  policy_arn = each.value.arn
}
