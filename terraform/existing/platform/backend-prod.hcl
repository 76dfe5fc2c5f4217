# terraform init -backend-config=backend-prod.hcl
# A secret of the cluster; it is encrypted at rest where the cluster encrypts secrets.
secret_suffix  = "demand-platform"
namespace      = "kube-system"
config_path    = "~/.kube/config"
config_context = "production"
