output "arns" {
  description = "ARN of each role by its name, once it has its rights."
  value       = { for name, role in aws_iam_role.this : name => role.arn }

  depends_on = [aws_iam_role_policy.rights, aws_iam_role_policy_attachment.this]
}
