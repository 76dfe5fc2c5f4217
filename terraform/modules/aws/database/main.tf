locals {
  username = "kfp"
  port     = 3306
  logs     = ["error", "slowquery"]

  # What speaks to the store of metadata knows MySQL's old way of saying a password alone; 8.4 has to be told.
  authentication = {
    "8.0" = {}
    "8.4" = { authentication_policy = "*:mysql_native_password" }
  }

  parameters = merge(local.authentication[var.engine_version], {
    local_infile   = "0"
    slow_query_log = "1"
    log_output     = "FILE" # Where CloudWatch takes them from.
  })
}

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:A new password needs pods to be restarted, so it comes when password_version says so
  name                    = "${var.name}-kfp-database"
  description             = "Who Kubeflow Pipelines is to its database: username, password"
  kms_key_id              = var.keys.secret
  recovery_window_in_days = var.protected ? 30 : 0
}

# Neither plan nor state ever hold the password: it is made, written, and read back where it is used.
ephemeral "aws_secretsmanager_random_password" "new" {
  password_length     = 40
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret_version" "this" {
  secret_id                = aws_secretsmanager_secret.this.id
  secret_string_wo_version = var.password_version
  secret_string_wo = jsonencode({
    username = local.username
    password = ephemeral.aws_secretsmanager_random_password.new.random_password
  })
}

ephemeral "aws_secretsmanager_secret_version" "current" {
  secret_id  = aws_secretsmanager_secret_version.this.secret_id
  version_id = aws_secretsmanager_secret_version.this.version_id
}

resource "aws_security_group" "this" {
  name        = "${var.name}-kfp-database"
  description = "MySQL of Kubeflow Pipelines"
  vpc_id      = var.network_id

  tags = { Name = "${var.name}-kfp-database" }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = var.client_security_groups

  security_group_id            = aws_security_group.this.id
  description                  = "MySQL from ${each.key}"
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
}

resource "aws_db_subnet_group" "this" {
  name        = "${var.name}-kfp"
  description = "Private subnets of ${var.name}"
  subnet_ids  = var.subnet_ids
}

resource "aws_db_parameter_group" "this" {
  name        = "${var.name}-kfp-mysql${replace(var.engine_version, ".", "-")}"
  family      = "mysql${var.engine_version}"
  description = "Kubeflow Pipelines"

  parameter {
    name  = "require_secure_transport"
    value = var.require_tls ? "1" : "0"
  }

  dynamic "parameter" {
    for_each = local.parameters

    content {
      name  = parameter.key
      value = parameter.value
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_iam_role" "monitoring" {
  name                 = "${var.name}-kfp-database-monitoring"
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:${var.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

# Made here, because RDS would make ones that are not encrypted and kept for ever.
resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:One year is the default; development may keep less
  for_each = toset(local.logs)

  name              = "/aws/rds/instance/${var.name}-kfp/${each.key}"
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.logs.kms_key_arn
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_157:multi_zone is true by default; development may go without
  #checkov:skip=CKV_AWS_293:protected is true by default; development is destroyed every day
  #checkov:skip=CKV_AWS_353:Measured where a key is given; small machines cannot
  #checkov:skip=CKV_AWS_161:Kubeflow Pipelines signs in by password alone
  identifier     = "${var.name}-kfp"
  engine         = "mysql"
  engine_version = var.engine_version
  instance_class = var.size.instance

  allocated_storage     = var.size.disk_gib
  max_allocated_storage = var.size.maximum_gib
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = var.keys.storage

  username            = local.username
  password_wo         = jsondecode(ephemeral.aws_secretsmanager_secret_version.current.secret_string).password
  password_wo_version = var.password_version
  port                = local.port

  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  parameter_group_name   = aws_db_parameter_group.this.name
  publicly_accessible    = false
  multi_az               = var.multi_zone

  backup_retention_period    = var.backup_days
  backup_window              = "02:00-03:00"
  maintenance_window         = "sun:03:30-sun:05:00"
  copy_tags_to_snapshot      = true
  auto_minor_version_upgrade = true
  deletion_protection        = var.protected
  skip_final_snapshot        = !var.protected
  final_snapshot_identifier  = var.protected ? "${var.name}-kfp-final" : null
  delete_automated_backups   = !var.protected

  enabled_cloudwatch_logs_exports       = local.logs
  monitoring_interval                   = var.monitoring_interval
  monitoring_role_arn                   = aws_iam_role.monitoring.arn
  performance_insights_enabled          = var.insights_kms_key_arn != null
  performance_insights_kms_key_id       = var.insights_kms_key_arn
  performance_insights_retention_period = var.insights_kms_key_arn == null ? null : 7

  depends_on = [aws_iam_role_policy_attachment.monitoring, aws_cloudwatch_log_group.this]
}
