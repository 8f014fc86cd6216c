"""Coinsphere on AWS, as stacks of CloudFormation: `cdk synth` writes them, `cdk deploy` makes them.

Each installation is two stacks: the edge in us-east-1, the rest in its region. docs/guides/deployment.md says what an
operator does once.
"""

from aws_cdk import Acknowledgment, App, Stack, Tags, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from cdk_nag import AwsSolutionsChecks
from constructs import Construct
from edge import Edge
from front import Front
from installation import INSTALLATIONS, Installation
from network import Network
from services import Services
from storage import Storage
from watch import Watch

_ACCEPTED = {
    "AwsSolutions-EC23": "The ports of endpoints are open to the network's own range, which the rule cannot resolve.",
    "AwsSolutions-SMG4": "RDS rotates the superuser's. The others are URLs of roles whose passwords `coinsphere db "
    "provision` sets anew from new values of these secrets: an operator's step, in docs/guides/deployment.md.",
    "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole]": (
        "AWS's own policy for the monitoring of RDS, which it keeps up to date."
    ),
    "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup]": (
        "AWS's own policy for backups, which it keeps up to date."
    ),
    "AwsSolutions-IAM5[Resource::<StorageArtifacts08431D1F.Arn>/*]": "Every object of the bucket is an artifact of MLflow, "
    "whose task alone reads and writes them, and removes no version.",
    "AwsSolutions-RDS2": "A replica is encrypted as its source is, and CloudFormation refuses to be told so.",
    "AwsSolutions-RDS10": "Staging may be deleted.",
    "AwsSolutions-RDS11": "The port is reached by the tasks alone, whatever its number.",
    "AwsSolutions-ECS2": "Variables hold addresses and names; every secret comes from Secrets Manager.",
    "AwsSolutions-S1": "It is the bucket of access logs itself.",
    "AwsSolutions-CFR1": "Users may be anywhere.",
}
"""Findings of AWS's own rules that stay, each with its reason."""


class Coinsphere(Stack):
    """One installation, but for its edge."""

    def __init__(self, scope: Construct, installation: Installation, edge: Edge) -> None:
        super().__init__(
            scope,
            installation.name,
            env={"account": installation.account, "region": installation.region},
            cross_region_references=True,
            termination_protection=installation.is_kept,
            description="Coinsphere: network, state, processes and the way in",
        )
        key = self._key(installation)
        network = Network(self, installation.region, key, is_kept=installation.is_kept)
        storage = Storage(self, installation, network, key)
        services = Services(self, installation, network, storage, key)
        front = Front(self, installation, network, services, edge)
        Watch(self, installation, storage, services, front, key=key)

    def _key(self, installation: Installation) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            alias=installation.name,
            enable_key_rotation=True,
            description=f"Data, secrets and logs of {installation.name}",
        )
        key.grant_encrypt_decrypt(iam.ServicePrincipal(f"logs.{installation.region}.amazonaws.com"))
        key.grant_encrypt_decrypt(iam.ServicePrincipal("cloudwatch.amazonaws.com"))
        return key


def build(app: App) -> list[Stack]:
    """The stacks of every installation; synthesis fails on what AWS's rules find and `_ACCEPTED` does not explain."""
    stacks: list[Stack] = []
    for installation in INSTALLATIONS:
        edge = Edge(app, installation)
        stacks += [edge, Coinsphere(app, installation, edge)]
        for stack in stacks[-2:]:
            Tags.of(stack).add("system", installation.name)
    accepted = (Acknowledgment(id=rule, reason=reason) for rule, reason in _ACCEPTED.items())
    Validations.of(app).acknowledge(*accepted)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return stacks


if __name__ == "__main__":
    app = App()
    build(app)
    app.synth()
