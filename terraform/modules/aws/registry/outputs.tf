output "url" {
  description = "Prefix of the images' names: URL/IMAGE."
  value       = try(dirname(values(aws_ecr_repository.this)[0].repository_url), null)
}

output "arns" {
  description = "ARN of each repository by image."
  value       = { for image, repository in aws_ecr_repository.this : image => repository.arn }
}
