"""The stacks for AWS, synthesised offline and held against CloudFormation's schemas and AWS's rules: `make test-deploy`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from coinsphere.local.processes import APPLICATIONS
from coinsphere.settings import Settings, variable
from webapi.server.drain import GRACEFUL_SECONDS, KEPT_BEHIND_A_FRONT_SECONDS

pytest.importorskip("aws_cdk", reason="`make test-deploy` installs the CDK and the rules")

AWS = Path(__file__).resolve().parents[3] / "deploy" / "aws"
_HERE_ONLY = {"watch", "backup"}
"""`coinsphere up` looks after its processes by the one, and backs up a machine's own folders by the other."""
_ROLES = {
    "api": "api_database_url",
    "stream": "api_database_url",
    "feed": "pipeline_database_url",
    "worker": "worker_database_url",
    "ml": "readonly_database_url",
    "mlflow": "mlflow_database_url",
    "prepare": "database_url",
}

Resources = dict[str, dict[str, Any]]


def synthesised(folder: Path, source: Path = AWS) -> subprocess.CompletedProcess[str]:
    """Run the program as `cdk synth` does, with the Node of this environment."""
    node = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{node}:{os.environ['PATH']}",
        "CDK_OUTDIR": str(folder),
        "CDK_CONTEXT_JSON": json.dumps(json.loads((source / "cdk.json").read_text())["context"]),
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    }
    return subprocess.run(
        [sys.executable, "app.py"],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


@pytest.fixture(scope="module")
def assembly(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cdk")
    done = synthesised(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module", params=["staging", "production"])
def resources(request, assembly) -> Resources:
    path = assembly / f"coinsphere-{request.param}.template.json"
    return json.loads(path.read_text())["Resources"]


def of_type(resources: Resources, kind: str) -> list[dict[str, Any]]:
    return [each for each in resources.values() if each["Type"] == kind]


def containers(resources: Resources) -> dict[str, dict[str, Any]]:
    return {
        container["Name"]: container
        for task in of_type(resources, "AWS::ECS::TaskDefinition")
        for container in task["Properties"]["ContainerDefinitions"]
    }


def secret_names(container: dict[str, Any]) -> set[str]:
    return {each["Name"].removeprefix("COINSPHERE_").lower() for each in container["Secrets"]}


@pytest.mark.timeout(600)
def test_cloudformation_takes_every_template(assembly) -> None:
    templates = sorted(assembly.glob("*.template.json"))
    assert len(templates) == 4
    # W3005 is of the CDK's own resources; W3010 asks for what only an account could answer.
    done = subprocess.run(
        [Path(sys.executable).parent / "cfn-lint", "--ignore-checks", "W3005", "W3010", "--", *templates],
        capture_output=True,
        text=True,
        check=False,
        timeout=560,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_database_without_encryption_is_refused(tmp_path) -> None:
    """AWS's rules are part of the synthesis: what they find and nobody explained ends it."""
    source = tmp_path / "aws"
    source.mkdir()
    for path in AWS.iterdir():
        if path.suffix in (".py", ".json"):
            text = path.read_text()
            (source / path.name).write_text(
                text.replace("encrypted=True", "encrypted=False").replace(
                    "kms_key=self._key", "kms_key=None"
                )
                if path.name == "storage.py"
                else text
            )
    done = synthesised(tmp_path / "out", source)
    assert done.returncode != 0
    assert "AwsSolutions-EFS1" in done.stdout + done.stderr


def test_every_process_runs_somewhere(resources) -> None:
    assert set(APPLICATIONS) - _HERE_ONLY == set(containers(resources)) - {"provision", "prepare"}


def test_each_process_is_given_the_secrets_of_its_role_alone(resources) -> None:
    for name, container in containers(resources).items():
        secrets = secret_names(container)
        assert secrets <= set(Settings.model_fields)
        databases = {each for each in secrets if each.endswith("database_url")}
        if name in _ROLES:
            # Production has a replica.
            assert databases - {"api_replica_database_url"} == {_ROLES[name]}
            assert name == "api" or len(databases) == 1
        elif name.startswith("dagster"):
            assert databases == {"pipeline_database_url", "dagster_database_url"}
        else:
            assert name == "provision"


def test_variables_are_settings_and_hold_no_secret(resources) -> None:
    settings = {variable(name): field for name, field in Settings.model_fields.items()}
    for container in containers(resources).values():
        for each in container["Environment"]:
            assert "Secret" not in str(settings[each["Name"]].annotation)


def test_the_api_drains_within_its_grace_and_keeps_connections_longer_than_the_balancer(
    resources,
) -> None:
    api = containers(resources)["api"]
    given = {each["Name"]: each["Value"] for each in api["Environment"]}
    drain = int(given["COINSPHERE_API_DRAIN_SECONDS"])
    assert drain + GRACEFUL_SECONDS < api["StopTimeout"]
    for target in of_type(resources, "AWS::ElasticLoadBalancingV2::TargetGroup"):
        delay = _attributes(target["Properties"]["TargetGroupAttributes"])
        assert int(delay["deregistration_delay.timeout_seconds"]) >= drain
    (balancer,) = of_type(resources, "AWS::ElasticLoadBalancingV2::LoadBalancer")
    kept = _attributes(balancer["Properties"]["LoadBalancerAttributes"])
    assert int(kept["idle_timeout.timeout_seconds"]) < KEPT_BEHIND_A_FRONT_SECONDS


def _attributes(pairs: list[dict[str, str]]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in pairs}


def test_containers_are_hardened(resources) -> None:
    for container in containers(resources).values():
        assert container["User"] == "10001"
        assert container["ReadonlyRootFilesystem"] is True
        assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
        assert "Privileged" not in container


def test_data_are_in_two_zones_encrypted_and_reached_by_tasks_alone(resources) -> None:
    (database, *_) = of_type(resources, "AWS::RDS::DBInstance")
    properties = database["Properties"]
    assert properties["MultiAZ"] is True
    assert properties["StorageEncrypted"] is True
    assert properties["BackupRetentionPeriod"] == 14
    assert properties["PubliclyAccessible"] is False
    (cache,) = of_type(resources, "AWS::ElastiCache::ReplicationGroup")
    assert cache["Properties"]["MultiAZEnabled"] is True
    assert cache["Properties"]["TransitEncryptionEnabled"] is True
    assert "AuthToken" in cache["Properties"]


def test_artifacts_lie_in_a_bucket_of_their_own_that_mlflow_alone_writes(resources) -> None:
    given = {each["Name"]: each["Value"] for each in containers(resources)["mlflow"]["Environment"]}
    scheme, place = given["COINSPHERE_MLFLOW_ARTIFACTS"]["Fn::Join"][1]
    assert scheme == "s3://"
    name = place["Ref"]
    bucket = resources[name]["Properties"]
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["LoggingConfiguration"]["DestinationBucketName"]
    (closed,) = (
        each["Properties"]["PolicyDocument"]["Statement"]
        for each in of_type(resources, "AWS::S3::BucketPolicy")
        if each["Properties"]["Bucket"] == place
    )
    assert any("aws:SecureTransport" in json.dumps(each) for each in closed)
    may = {
        policy: set(statement["Action"]) if isinstance(statement["Action"], list) else {statement["Action"]}
        for policy, each in resources.items()
        if each["Type"] == "AWS::IAM::Policy"
        for statement in each["Properties"]["PolicyDocument"]["Statement"]
        if name in json.dumps(statement["Resource"])
    }  # fmt: skip
    assert all("MlflowTask" in policy for policy in may)
    assert set().union(*may.values()) <= {"s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"}  # fmt: skip


def test_the_world_reaches_the_load_balancer_only_through_cloudfront(resources) -> None:
    rules = [each["Properties"] for each in of_type(resources, "AWS::EC2::SecurityGroupIngress")]
    for group in of_type(resources, "AWS::EC2::SecurityGroup"):
        rules += group["Properties"].get("SecurityGroupIngress", [])
    assert not [rule for rule in rules if rule.get("CidrIp") == "0.0.0.0/0"]
    assert [rule for rule in rules if rule.get("SourcePrefixListId")]
    (listener,) = of_type(resources, "AWS::ElasticLoadBalancingV2::Listener")
    (default,) = listener["Properties"]["DefaultActions"]
    assert default["FixedResponseConfig"]["StatusCode"] == "403"
    for rule in of_type(resources, "AWS::ElasticLoadBalancingV2::ListenerRule"):
        fields = {condition["Field"] for condition in rule["Properties"]["Conditions"]}
        assert fields == {"path-pattern", "http-header"}
    (distribution,) = of_type(resources, "AWS::CloudFront::Distribution")
    configured = distribution["Properties"]["DistributionConfig"]
    assert "WebACLId" in configured
    assert configured["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"


def test_production_outlives_a_mistake(assembly) -> None:
    path = assembly / "coinsphere-production.template.json"
    resources = json.loads(path.read_text())["Resources"]
    for database in of_type(resources, "AWS::RDS::DBInstance"):
        assert database["Properties"]["DeletionProtection"] is True
        assert (
            database["DeletionPolicy"] == "Snapshot"
            or "SourceDBInstanceIdentifier" in database["Properties"]
        )
    for kind in ("AWS::EFS::FileSystem", "AWS::SecretsManager::Secret", "AWS::Backup::BackupVault"):
        kept = [
            each["DeletionPolicy"] for each in of_type(resources, kind) if "DeletionPolicy" in each
        ]
        assert "Retain" in kept
    (locked,) = (
        each["Properties"]["ObjectLockConfiguration"]
        for each in of_type(resources, "AWS::S3::Bucket")
        if each["Properties"].get("ObjectLockEnabled")
    )
    assert locked["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 365}
    (vault,) = of_type(resources, "AWS::Backup::BackupVault")
    assert vault["Properties"]["LockConfiguration"] == {"MinRetentionDays": 7}
    manifest = json.loads((assembly / "manifest.json").read_text())
    stack = manifest["artifacts"]["coinsphere-production"]["properties"]
    assert stack["terminationProtection"] is True


def test_an_operator_hears_of_errors_of_full_disks_and_of_money(resources) -> None:
    alarms = {each["Properties"]["AlarmName"].split("-", 2)[2] for each in of_type(resources, "AWS::CloudWatch::Alarm")}  # fmt: skip
    assert {"errors", "latency", "database-disk", "database-cpu", "cache-memory", "api-cpu", "dagster-memory"} <= alarms  # fmt: skip
    assert len(of_type(resources, "AWS::Budgets::Budget")) == 1
