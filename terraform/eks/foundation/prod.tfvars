# Account, roles and jobs are yours.
name        = "demand"
environment = "prod"
labels      = { team = "demand" }
account_id  = "444455556666"
region      = "eu-west-1"

network = {
  cidr  = "10.30.0.0/16"
  zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
  nat   = "per_zone"
}

cluster = { version = "1.36", public_access_cidrs = [], private_access_cidrs = ["10.0.0.0/16"] }

# Terraform's own roles are made by hand; by the first it applies the platform, by the second CI plans it.
access_entries = {
  terraform      = { principal_arn = "arn:aws:iam::444455556666:role/terraform", policy = "AmazonEKSClusterAdminPolicy" }
  terraform_plan = { principal_arn = "arn:aws:iam::444455556666:role/terraform-plan", policy = "AmazonEKSAdminViewPolicy" }
  platform       = { principal_arn = "arn:aws:iam::444455556666:role/platform-team", groups = ["demand:platform"], policy = "AmazonEKSClusterAdminPolicy" }
  developers     = { principal_arn = "arn:aws:iam::444455556666:role/developers", groups = ["demand:developers"] }
  viewers        = { principal_arn = "arn:aws:iam::444455556666:role/viewers", groups = ["demand:viewers"] }
}

node_pools = {
  cpu = { types = ["m6i.2xlarge"], capacity = "ON_DEMAND", min = 3, max = 12 }
  gpu = { types = ["g5.2xlarge"], capacity = "ON_DEMAND", max = 4 }
}

database = { instance = "db.m7g.large", multi_zone = true, backup_days = 14, insights = true }

ci = {
  url      = "https://token.actions.githubusercontent.com"
  subjects = ["repo:example/demandcast:environment:images", "repo:example/demandcast:environment:prod", "repo:example/demandcast:environment:prod-stable"]
}

retention_days = { logs = 365, access_logs = 400, versions = 30, artifacts = 180 }
volume_backups = true
audit          = true
protected      = true
