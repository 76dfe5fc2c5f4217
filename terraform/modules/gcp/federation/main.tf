locals {
  # Only tokens of this repository and these branches come in at all; what comes in is then bound again, below.
  github = var.github == null ? {} : { github = {
    issuer    = "https://token.actions.githubusercontent.com"
    mapping   = { "google.subject" = "assertion.sub", "attribute.source" = "assertion.repository", "attribute.ref" = "assertion.ref" }
    condition = join(" || ", [for subject in var.github.subjects : "assertion.sub == 'repo:${var.github.repository}:${subject}'"])
    source    = var.github.repository
  } }
  gitlab = var.gitlab == null ? {} : { gitlab = {
    issuer    = var.gitlab.issuer
    mapping   = { "google.subject" = "assertion.sub", "attribute.source" = "assertion.project_path", "attribute.ref" = "assertion.ref" }
    condition = "assertion.project_path == '${var.gitlab.project}' && assertion.ref_protected == 'true' && assertion.ref in [${join(", ", [for branch in var.gitlab.branches : "'${branch}'"])}]"
    source    = var.gitlab.project
  } }
  providers = merge(local.github, local.gitlab)
}

resource "google_iam_workload_identity_pool" "this" {
  project                   = var.project_id
  workload_identity_pool_id = var.name
  display_name              = var.name
  description               = "CI of the repository, without keys"
}

resource "google_iam_workload_identity_pool_provider" "this" {
  for_each                           = local.providers
  project                            = var.project_id
  workload_identity_pool_id          = google_iam_workload_identity_pool.this.workload_identity_pool_id
  workload_identity_pool_provider_id = each.key
  display_name                       = each.key
  attribute_mapping                  = each.value.mapping
  attribute_condition                = each.value.condition

  oidc {
    issuer_uri = each.value.issuer
  }
}

resource "google_service_account_iam_member" "this" {
  for_each           = local.providers
  service_account_id = var.service_account_id
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.this.name}/attribute.source/${each.value.source}"
}
