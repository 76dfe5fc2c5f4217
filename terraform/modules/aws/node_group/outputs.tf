output "name" {
  description = "Name of the pool, once its nodes are ready."
  value       = aws_eks_node_group.this.node_group_name
}

output "arn" {
  description = "ARN of the node group."
  value       = aws_eks_node_group.this.arn
}

output "autoscaling_groups" {
  description = "Names of the autoscaling groups behind the pool."
  value       = flatten([for resources in aws_eks_node_group.this.resources : [for group in resources.autoscaling_groups : group.name]])
}
