locals {
  # Spelt out, so that a plan shows who gets what before there is an account.
  email = "${var.name}@${var.project_id}.iam.gserviceaccount.com"
}

resource "google_service_account" "this" {
  project      = var.project_id
  account_id   = var.name
  display_name = var.name
  description  = var.description
}

resource "google_project_iam_member" "this" {
  for_each   = var.project_roles
  project    = var.project_id
  role       = each.value
  member     = "serviceAccount:${local.email}"
  depends_on = [google_service_account.this]
}

# By workload identity, never by a key.
resource "google_service_account_iam_member" "kubernetes" {
  for_each           = toset(try(var.kubernetes.service_accounts, []))
  service_account_id = google_service_account.this.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.workload_pool}[${var.kubernetes.namespace}/${each.value}]"
}
