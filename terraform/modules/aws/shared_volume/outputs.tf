output "handle" {
  description = "What a persistent volume of the driver efs.csi.aws.com names, once it can be mounted from every zone."
  value       = "${aws_efs_file_system.this.id}::${aws_efs_access_point.this.id}"

  depends_on = [aws_efs_mount_target.this, aws_efs_file_system_policy.this]
}

output "id" {
  description = "Id of the file system."
  value       = aws_efs_file_system.this.id
}
