output "name" {
  description = "Name of the cluster, once those who are named may ask its API."
  value       = aws_eks_cluster.this.name

  depends_on = [aws_eks_access_policy_association.this]
}

output "endpoint" {
  description = "Address of the API."
  value       = aws_eks_cluster.this.endpoint
}

output "ca_certificate" {
  description = "Certificate of the API's authority, base64."
  value       = aws_eks_cluster.this.certificate_authority[0].data
  sensitive   = true
}

output "version" {
  description = "Minor version of Kubernetes."
  value       = aws_eks_cluster.this.version
}

output "oidc_provider" {
  description = "Issuer of the pods' identities: ARN, and host with path as IAM's conditions name it."
  value = {
    arn    = aws_iam_openid_connect_provider.pods.arn
    issuer = replace(aws_eks_cluster.this.identity[0].oidc[0].issuer, "https://", "")
  }
}

output "security_groups" {
  description = "Security groups of the nodes: cluster, which EKS makes and the control plane shares, and nodes, by which databases and volumes know them."
  value = {
    cluster = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
    nodes   = aws_security_group.nodes.id
  }
}

output "nodes_role_arn" {
  description = "Role of the nodes, once it has its rights."
  value       = aws_iam_role.nodes.arn

  depends_on = [aws_iam_role_policy_attachment.nodes]
}
