"""The network: three zones, and only the load balancer in a subnet that the internet reaches."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct

_INTERFACES = {
    "secrets": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "images": ec2.InterfaceVpcEndpointAwsService.ECR,
    "layers": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
}


class Network(Construct):
    """A VPC with public, private and isolated subnets; data stores lie in the isolated ones.

    Attributes:
        vpc: the network.
        tasks: the group of all tasks.
    """

    def __init__(self, scope: Construct, region: str, key: kms.IKey, *, is_kept: bool) -> None:
        super().__init__(scope, "Network")
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            availability_zones=[f"{region}{zone}" for zone in "abc"],
            nat_gateways=3 if is_kept else 1,
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False),
                ec2.SubnetConfiguration(name="tasks", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=22),
                ec2.SubnetConfiguration(name="data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24),
            ],
        )  # fmt: skip
        refused = logs.LogGroup(
            self,
            "Flows",
            retention=logs.RetentionDays.ONE_YEAR,
            encryption_key=key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.vpc.add_flow_log(
            "FlowLog",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(refused),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )
        self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        for name, service in _INTERFACES.items():
            self.vpc.add_interface_endpoint(name, service=service)
        self.tasks = ec2.SecurityGroup(
            self, "Tasks", vpc=self.vpc, description="Every process of Coinsphere"
        )
