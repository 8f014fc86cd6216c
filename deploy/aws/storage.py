"""Where state lies: PostgreSQL, Valkey, files that processes share, buckets, secrets."""

from aws_cdk import (
    Duration,
    RemovalPolicy,
    SecretValue,
)
from aws_cdk import (
    aws_backup as backup,
)
from aws_cdk import (
    aws_ec2 as ec2,
)
from aws_cdk import (
    aws_efs as efs,
)
from aws_cdk import (
    aws_elasticache as elasticache,
)
from aws_cdk import (
    aws_events as events,
)
from aws_cdk import (
    aws_iam as iam,
)
from aws_cdk import (
    aws_kms as kms,
)
from aws_cdk import (
    aws_rds as rds,
)
from aws_cdk import (
    aws_s3 as s3,
)
from aws_cdk import (
    aws_secretsmanager as secretsmanager,
)
from constructs import Construct
from installation import Installation
from network import Network

POSTGRES, VALKEY, NFS = 5432, 6379, 2049

SECRETS = (
    "database_url",
    "api_database_url",
    "pipeline_database_url",
    "worker_database_url",
    "readonly_database_url",
    "dagster_database_url",
    "mlflow_database_url",
    "superuser_database_url",
    "redis_url",
    "service_token",
    "smtp_url",
)
"""Settings that are secrets: each a secret of its own, whose value an operator writes once (docs/guides/deployment.md)."""


REPLICA_URL = "api_replica_database_url"
"""The one more where there is a replica."""


class Storage(Construct):
    """Everything that outlives a task.

    Attributes:
        database: PostgreSQL in two zones, with a log that restores any second of fourteen days.
        cache: Valkey in two zones: a cache, limits and messages.
        files: what processes share, by name: `keys`, `dagster`.
        artifacts: MLflow's bucket.
        secrets: by the name of the setting.
    """

    def __init__(
        self, scope: Construct, installation: Installation, network: Network, key: kms.Key
    ) -> None:
        super().__init__(scope, "Storage")
        self._installation, self._network, self._key = installation, network, key
        self._removal = RemovalPolicy.RETAIN if installation.is_kept else RemovalPolicy.DESTROY
        names = (*SECRETS, REPLICA_URL) if installation.replica else SECRETS
        self.secrets = {name: self._secret(name) for name in names}
        self.database = self._database()
        if installation.replica:
            self._replica(self.database)
        self.cache = self._cache()
        self.file_system = self._file_system()
        self.files = {name: self._folder(name) for name in ("keys", "dagster")}
        self.artifacts = self._artifacts()
        self._backups()

    def _secret(self, name: str) -> secretsmanager.Secret:
        # A made-up value that opens nothing: processes refuse it until an operator has written the real one.
        return secretsmanager.Secret(
            self,
            "".join(part.title() for part in name.split("_")),
            secret_name=f"{self._installation.name}/{name}",
            encryption_key=self._key,
            removal_policy=self._removal,
        )

    def _database(self) -> rds.DatabaseInstance:
        engine = rds.DatabaseInstanceEngine.postgres(
            version=rds.PostgresEngineVersion.of("18.4", "18")
        )
        database = rds.DatabaseInstance(
            self,
            "Database",
            engine=engine,
            instance_type=ec2.InstanceType(self._installation.database),
            vpc=self._network.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            multi_az=True,
            credentials=rds.Credentials.from_generated_secret(
                "coinsphere_superuser", encryption_key=self._key
            ),
            allocated_storage=self._installation.storage,
            max_allocated_storage=10 * self._installation.storage,
            storage_type=rds.StorageType.GP3,
            storage_encrypted=True,
            storage_encryption_key=self._key,
            backup_retention=Duration.days(14),
            deletion_protection=self._installation.is_kept,
            removal_policy=RemovalPolicy.SNAPSHOT if self._installation.is_kept else self._removal,
            enable_performance_insights=True,
            performance_insight_encryption_key=self._key,
            monitoring_interval=Duration.seconds(60),
            cloudwatch_logs_exports=["postgresql", "upgrade"],
            iam_authentication=True,
            auto_minor_version_upgrade=True,
            ca_certificate=rds.CaCertificate.RDS_CA_ECC384_G1,
            parameter_group=rds.ParameterGroup(
                self,
                "Parameters",
                engine=engine,
                parameters={
                    "rds.force_ssl": "1",
                    "log_min_duration_statement": "1000",
                    "log_lock_waits": "1",
                    "idle_in_transaction_session_timeout": "60000",
                },
            ),
        )
        database.connections.allow_from(
            self._network.tasks, ec2.Port.tcp(POSTGRES), "Processes ask the database"
        )
        database.add_rotation_single_user(automatically_after=Duration.days(30))
        return database

    def _replica(self, source: rds.DatabaseInstance) -> None:
        replica = rds.DatabaseInstanceReadReplica(
            self,
            "Replica",
            source_database_instance=source,
            instance_type=ec2.InstanceType(self._installation.database),
            vpc=self._network.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            multi_az=True,
            deletion_protection=True,
            iam_authentication=True,
            monitoring_interval=Duration.seconds(60),
        )
        replica.connections.allow_from(
            self._network.tasks, ec2.Port.tcp(POSTGRES), "Processes ask the replica"
        )

    def _cache(self) -> elasticache.CfnReplicationGroup:
        group = ec2.SecurityGroup(
            self,
            "CacheGroup",
            vpc=self._network.vpc,
            description="Valkey",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(self._network.tasks, ec2.Port.tcp(VALKEY), "Processes ask the cache")
        password = secretsmanager.Secret(
            self,
            "CachePassword",
            secret_name=f"{self._installation.name}/redis_password",
            encryption_key=self._key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                exclude_punctuation=True, password_length=48
            ),
        )
        subnets = elasticache.CfnSubnetGroup(
            self,
            "CacheSubnets",
            description="Isolated subnets",
            subnet_ids=[subnet.subnet_id for subnet in self._network.vpc.isolated_subnets],
        )
        return elasticache.CfnReplicationGroup(
            self,
            "Cache",
            replication_group_description="Cache, limits and messages of Coinsphere",
            engine="valkey",
            engine_version="8.0",
            cache_node_type=self._installation.cache,
            num_cache_clusters=2,
            automatic_failover_enabled=True,
            multi_az_enabled=True,
            at_rest_encryption_enabled=True,
            kms_key_id=self._key.key_arn,
            transit_encryption_enabled=True,
            auth_token=SecretValue.secrets_manager(password.secret_arn).unsafe_unwrap(),
            cache_subnet_group_name=subnets.ref,
            security_group_ids=[group.security_group_id],
            port=VALKEY,
            # Nothing in it has to outlive it; a snapshot helps a look at what filled it.
            snapshot_retention_limit=1,
        )

    def _file_system(self) -> efs.FileSystem:
        system = efs.FileSystem(
            self,
            "Files",
            vpc=self._network.vpc,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            encrypted=True,
            kms_key=self._key,
            enable_automatic_backups=True,
            removal_policy=self._removal,
            lifecycle_policy=efs.LifecyclePolicy.AFTER_90_DAYS,
        )
        system.connections.allow_from(
            self._network.tasks, ec2.Port.tcp(NFS), "Processes read their files"
        )
        return system

    def _folder(self, name: str) -> efs.AccessPoint:
        return self.file_system.add_access_point(
            name.title(),
            path=f"/{name}",
            create_acl=efs.Acl(owner_uid="10001", owner_gid="10001", permissions="0700"),
            posix_user=efs.PosixUser(uid="10001", gid="10001"),
        )

    def _artifacts(self) -> s3.Bucket:
        """Versions of files of models, which nobody removes for a year in what is kept."""
        kept = Duration.days(365) if self._installation.is_kept else None
        return s3.Bucket(
            self,
            "Artifacts",
            object_lock_enabled=self._installation.is_kept,
            object_lock_default_retention=kept and s3.ObjectLockRetention.governance(kept),
            versioned=True,
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self._key,
            bucket_key_enabled=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            server_access_logs_bucket=log_bucket(self, "ArtifactsLogs", self._removal),
            lifecycle_rules=[
                s3.LifecycleRule(
                    noncurrent_version_expiration=Duration.days(30),
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                )
            ],
            removal_policy=self._removal,
        )

    def grant_artifacts(self, role: iam.IGrantable) -> None:
        """Let a role list, read and write artifacts; what it deletes stays as an older version."""
        may = {
            self.artifacts.bucket_arn: ["s3:ListBucket"],
            self.artifacts.arn_for_objects("*"): [
                "s3:GetObject",
                "s3:PutObject",
                "s3:DeleteObject",
            ],
            self._key.key_arn: ["kms:Decrypt", "kms:GenerateDataKey"],
        }
        for resource, actions in may.items():
            iam.Grant.add_to_principal(grantee=role, actions=actions, resource_arns=[resource])

    def _backups(self) -> None:
        """Daily copies of database and files, in a vault that nobody can empty early."""
        vault = backup.BackupVault(
            self,
            "Vault",
            encryption_key=self._key,
            removal_policy=self._removal,
            lock_configuration=backup.LockConfiguration(min_retention=Duration.days(7))
            if self._installation.is_kept
            else None,
        )
        plan = backup.BackupPlan(self, "Plan", backup_vault=vault)
        plan.add_rule(
            backup.BackupPlanRule(
                schedule_expression=events.Schedule.cron(hour="3", minute="17"),
                delete_after=Duration.days(35),
            )
        )
        plan.add_selection(
            "State",
            resources=[
                backup.BackupResource.from_rds_database_instance(self.database),
                backup.BackupResource.from_efs_file_system(self.file_system),
            ],
        )


def log_bucket(scope: Construct, name: str, removal: RemovalPolicy) -> s3.Bucket:
    """A bucket for access logs, which forgets them after a year.

    ELB and CloudFront write logs under S3's own keys only.
    """
    return s3.Bucket(
        scope,
        name,
        encryption=s3.BucketEncryption.S3_MANAGED,
        enforce_ssl=True,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_PREFERRED,
        versioned=True,
        lifecycle_rules=[
            s3.LifecycleRule(
                expiration=Duration.days(365), noncurrent_version_expiration=Duration.days(30)
            )
        ],
        removal_policy=removal,
        auto_delete_objects=False,
    )
