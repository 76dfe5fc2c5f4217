# The bucket is made once by hand, with versions and a key: docs/infrastructure.md.
bucket       = "111122223333-demand-eu-west-1-terraform"
key          = "eks/foundation.tfstate"
region       = "eu-west-1"
encrypt      = true
kms_key_id   = "alias/terraform"
use_lockfile = true
