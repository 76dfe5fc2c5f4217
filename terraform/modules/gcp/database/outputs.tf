output "host" {
  description = "Private address of the database, once there is a user and its password is in the secret."
  value       = google_sql_database_instance.this.private_ip_address
  depends_on  = [google_secret_manager_secret_version.kfp]
}

output "port" {
  description = "Port of the database, behind the Auth Proxy."
  value       = 3306
}

output "instance" {
  description = "Name by which the Auth Proxy finds the database, project:region:name."
  value       = google_sql_database_instance.this.connection_name
  depends_on  = [google_secret_manager_secret_version.kfp]
}

output "name" {
  description = "Name of the instance."
  value       = google_sql_database_instance.this.name
}
