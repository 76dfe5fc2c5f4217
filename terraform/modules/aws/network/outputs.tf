output "id" {
  description = "Id of the network."
  value       = aws_vpc.this.id
}

output "cidr" {
  description = "Addresses of the network."
  value       = aws_vpc.this.cidr_block
}

output "private_cidr" {
  description = "Addresses of all private subnets together, and of nothing else."
  value       = cidrsubnet(var.cidr, local.newbits - 2, 0)
}

output "private_subnets" {
  description = "Ids of the private subnets in the order of the zones, once they have a way out and to S3."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]

  depends_on = [aws_route.nat, aws_route_table_association.private, aws_vpc_endpoint.s3]
}

output "public_subnets" {
  description = "Ids of the public subnets, where nothing but NAT gateways lies."
  value       = [for zone in var.zones : aws_subnet.public[zone].id]
}
