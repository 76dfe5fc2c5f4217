"""Prints what is in an account of AWS, as JSON: identifiers by kind; empty kinds are left out.

Run by the Python of `make terraform-tools`, which has boto3; who asks sets AWS' variables.
"""

import json
import os
import sys

import boto3

# Service, list operation, key of the answer, identifier (None: the entry is one), arguments.
KINDS = [
    ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"),
    ("cloudtrail", "list_trails", "Trails", "Name"),
    ("ec2", "describe_addresses", "Addresses", "AllocationId"),
    ("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    ("ec2", "describe_instances", "Reservations", "ReservationId"),
    ("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    ("ec2", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
    ("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    ("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    ("ec2", "describe_subnets", "Subnets", "SubnetId"),
    ("ec2", "describe_volumes", "Volumes", "VolumeId"),
    ("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    ("ecr", "describe_repositories", "repositories", "repositoryName"),
    ("efs", "describe_file_systems", "FileSystems", "FileSystemId"),
    ("efs", "describe_access_points", "AccessPoints", "AccessPointId"),
    ("eks", "list_clusters", "clusters", None),
    ("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList", "Arn"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    ("rds", "describe_db_parameter_groups", "DBParameterGroups", "DBParameterGroupName"),
    ("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    ("rds", "describe_db_snapshots", "DBSnapshots", "DBSnapshotIdentifier"),
    ("s3", "list_buckets", "Buckets", "Name"),
    ("secretsmanager", "list_secrets", "SecretList", "Name"),
]


def inventory() -> dict[str, list[str]]:
    """Everything that an apply could have made, and that has not been given up since."""
    found = {
        f"{service}.{operation}": [
            entry if name is None else entry[name]
            for entry in getattr(_client(service), operation)()[key]
        ]
        for service, operation, key, name in KINDS
    }
    ec2, kms = _client("ec2"), _client("kms")
    found["ec2.nat_gateways"] = [
        entry["NatGatewayId"]
        for entry in ec2.describe_nat_gateways()["NatGateways"]
        if entry["State"] != "deleted"
    ]
    found["ec2.endpoints"] = [
        entry["VpcEndpointId"]
        for entry in ec2.describe_vpc_endpoints()["VpcEndpoints"]
        if entry["State"].lower() != "deleted"
    ]
    # A key goes after some days; until then it is asked to go.
    found["kms.keys"] = [
        key["KeyId"]
        for key in kms.list_keys()["Keys"]
        if kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyState"] != "PendingDeletion"
    ]
    found["kms.aliases"] = [
        alias["AliasName"]
        for alias in kms.list_aliases()["Aliases"]
        if not alias["AliasName"].startswith("alias/aws/")
    ]
    return {kind: sorted(entries) for kind, entries in found.items() if entries}


def _client(service: str) -> "boto3.client":
    return boto3.client(service, region_name=os.environ["AWS_REGION"])


if __name__ == "__main__":
    json.dump(inventory(), sys.stdout)
