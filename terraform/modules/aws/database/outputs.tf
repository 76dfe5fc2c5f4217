output "host" {
  description = "Host of the database, inside of the network."
  value       = aws_db_instance.this.address
}

output "port" {
  description = "Port of the database."
  value       = aws_db_instance.this.port
}

output "name" {
  description = "Name of the instance."
  value       = aws_db_instance.this.identifier
}

output "secret_name" {
  description = "Name of the secret with username and password as JSON, once the password is in it."
  value       = aws_secretsmanager_secret.this.name

  depends_on = [aws_secretsmanager_secret_version.this]
}

output "secret_arn" {
  description = "ARN of that secret."
  value       = aws_secretsmanager_secret.this.arn
}
