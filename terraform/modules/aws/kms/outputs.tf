output "arns" {
  description = "ARN of each key by its use."
  value       = { for use, key in aws_kms_key.this : use => key.arn }
}
