# What a foundation says, for the tests of this folder.
foundation = {
  account_id             = "111122223333"
  environment            = "dev"
  name                   = "demand"
  cluster_name           = "demand"
  cluster_endpoint       = "https://0123456789ABCDEF.gr7.eu-west-1.eks.amazonaws.com"
  cluster_ca_certificate = ""
  region                 = "eu-west-1"
  buckets = {
    pipeline_root = "111122223333-demand-eu-west-1-pipeline-root", data = "111122223333-demand-eu-west-1-data"
    serving       = "111122223333-demand-eu-west-1-serving", logs = "111122223333-demand-eu-west-1-logs"
  }
  identities = {
    pipeline   = "arn:aws:iam::111122223333:role/demand-pipeline", serving = "arn:aws:iam::111122223333:role/demand-serving"
    kfp        = "arn:aws:iam::111122223333:role/demand-kfp", secrets = "arn:aws:iam::111122223333:role/demand-secrets"
    nodes      = "arn:aws:iam::111122223333:role/demand-nodes", ci = "arn:aws:iam::111122223333:role/demand-ci"
    autoscaler = "arn:aws:iam::111122223333:role/demand-autoscaler", logs = "arn:aws:iam::111122223333:role/demand-logs"
  }
  registry      = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/demand"
  network       = "vpc-00000000000000001"
  network_cidrs = { all = "10.20.0.0/16", private = "10.20.0.0/18" }
  shared_volume = "fs-00000000000000001::fsap-00000000000000001"
  volumes_key   = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"
  log_group     = "/demand/pods"
  database      = { host = "demand-kfp.abcdefghijkl.eu-west-1.rds.amazonaws.com", port = 3306, name = "demand-kfp", secret_name = "demand-kfp-database" }
}
