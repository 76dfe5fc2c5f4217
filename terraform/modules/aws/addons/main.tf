resource "aws_eks_addon" "this" {
  for_each = var.addons

  cluster_name             = var.cluster_name
  addon_name               = each.key
  addon_version            = each.value.version
  service_account_role_arn = each.value.role_arn
  configuration_values     = each.value.configuration

  # EKS puts plain copies of some into a new cluster; the add-on takes over from those, and later changes
  # by hand to fields that it does not know are left alone.
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "PRESERVE"
}
