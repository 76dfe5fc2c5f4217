provider "aws" {
  region = var.region

  # Not by mistake into another account.
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = local.tags
  }
}
