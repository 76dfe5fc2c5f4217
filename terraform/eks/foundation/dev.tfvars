# Small, and destroyed without asking. Account, roles and jobs are yours.
name        = "demand"
environment = "dev"
labels      = { team = "demand" }
account_id  = "111122223333"
region      = "eu-west-1"

network = {
  cidr  = "10.20.0.0/16"
  zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
  nat   = "single"
}

# Your office's addresses open the API to them; without, a way into the network is needed.
cluster = { version = "1.36", public_access_cidrs = ["203.0.113.0/24"] }

# Terraform's own roles are made by hand; by the first it applies the platform, by the second CI plans it.
access_entries = {
  terraform      = { principal_arn = "arn:aws:iam::111122223333:role/terraform", policy = "AmazonEKSClusterAdminPolicy" }
  terraform_plan = { principal_arn = "arn:aws:iam::111122223333:role/terraform-plan", policy = "AmazonEKSAdminViewPolicy" }
  platform       = { principal_arn = "arn:aws:iam::111122223333:role/platform-team", groups = ["demand:platform"], policy = "AmazonEKSClusterAdminPolicy" }
  developers     = { principal_arn = "arn:aws:iam::111122223333:role/developers", groups = ["demand:developers"] }
  viewers        = { principal_arn = "arn:aws:iam::111122223333:role/viewers", groups = ["demand:viewers"] }
}

node_pools = {
  cpu = { types = ["m6i.xlarge", "m5.xlarge"], capacity = "SPOT", min = 1, max = 4 }
  gpu = { types = ["g5.2xlarge", "g4dn.2xlarge"], capacity = "SPOT", max = 1 }
}

database = { instance = "db.t4g.micro", multi_zone = false, backup_days = 1 }

ci = {
  url      = "https://token.actions.githubusercontent.com"
  subjects = ["repo:example/demandcast:environment:images", "repo:example/demandcast:environment:dev", "repo:example/demandcast:environment:dev-stable"]
}

retention_days = { logs = 30, access_logs = 30, versions = 7, artifacts = 30 }
volume_backups = false
audit          = false
protected      = false
