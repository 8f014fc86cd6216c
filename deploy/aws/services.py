"""Processes as services of ECS on Fargate, each with the secrets of its own role and no others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aws_cdk import (
    Duration,
    RemovalPolicy,
)
from aws_cdk import (
    aws_ec2 as ec2,
)
from aws_cdk import (
    aws_ecs as ecs,
)
from aws_cdk import (
    aws_kms as kms,
)
from aws_cdk import (
    aws_logs as logs,
)
from constructs import Construct
from installation import Installation, Size
from network import Network
from storage import REPLICA_URL, Storage

HOME = "/var/lib/coinsphere"
NAMESPACE = "coinsphere.internal"


@dataclass(frozen=True, slots=True)
class Process:
    """A process that `coinsphere run NAME` becomes.

    `image` is `web`, `worker` or `pipeline`; `health` a path on `port` that answers 200; `folder` what of the shared files it has;
    `drain` are seconds of `grace` in which it serves on and ends its clients' connections.
    """

    name: str
    image: str
    secrets: tuple[str, ...]
    port: int | None = None
    health: str | None = None
    folder: str | None = None
    grace: int = 40
    drain: int = 0


API = Process(
    "api",
    "web",
    ("api_database_url", "redis_url", "service_token"),
    3001,
    "/health/live",
    "keys",
    drain=8,
)
STREAM = Process("stream", "web", ("api_database_url", "redis_url"), 3002, "/health", "keys")
FEED = Process("feed", "worker", ("pipeline_database_url",))
WORKER = Process(
    "worker",
    "worker",
    ("worker_database_url", "redis_url", "service_token", "smtp_url"),
    folder="keys",
)
ML = Process("ml", "pipeline", ("readonly_database_url", "service_token"), 8000, "/health")
MLFLOW = Process("mlflow", "pipeline", ("mlflow_database_url", "service_token"), 5000, "/health")
DAGSTER = ("pipeline_database_url", "dagster_database_url", "service_token")
DAGSTER_PROCESSES = (
    Process("dagster-code", "pipeline", DAGSTER, folder="dagster"),
    Process("dagster-webserver", "pipeline", DAGSTER, 3000, "/server_info", "dagster"),
    Process("dagster-daemon", "pipeline", DAGSTER, folder="dagster"),
)
"""They share one task: the code server listens on a socket in their folder, and there must be one daemon alone."""

ONCE = {
    "provision": (
        ("db", "provision"),
        (
            "superuser_database_url",
            "database_url",
            "api_database_url",
            "pipeline_database_url",
            "worker_database_url",
            "readonly_database_url",
            "dagster_database_url",
            "mlflow_database_url",
        ),
    ),
    "prepare": (("prepare",), ("database_url",)),
}
"""Tasks that run to their end: before the first start, and `prepare` before each new version."""


class Services(Construct):
    """The cluster, its services, and the tasks that run once.

    Attributes:
        services: by the name of the process; Dagster's three are `dagster`.
        log_group: of every process.
    """

    def __init__(
        self,
        scope: Construct,
        installation: Installation,
        network: Network,
        storage: Storage,
        key: kms.Key,
    ) -> None:
        super().__init__(scope, "Services")
        self._installation, self._network, self._storage = installation, network, storage
        self.log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/{installation.name}",
            retention=logs.RetentionDays.ONE_YEAR,
            encryption_key=key,
            removal_policy=RemovalPolicy.RETAIN if installation.is_kept else RemovalPolicy.DESTROY,
        )
        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            cluster_name=installation.name,
            vpc=network.vpc,
            container_insights_v2=ecs.ContainerInsights.ENHANCED,
            default_cloud_map_namespace=ecs.CloudMapNamespaceOptions(name=NAMESPACE),
        )
        self.services: dict[str, ecs.FargateService] = {}
        api = replace(API, secrets=(*API.secrets, REPLICA_URL)) if installation.replica else API
        for process in (api, STREAM, FEED, WORKER, ML, MLFLOW):
            self._serve(process.name, [process], process.folder)
        self._serve("dagster", DAGSTER_PROCESSES, "dagster")
        storage.grant_artifacts(self.services["mlflow"].task_definition.task_role)
        for name, (command, secrets) in ONCE.items():
            self._once(name, command, secrets)
        for port in (ML.port, MLFLOW.port, STREAM.port, DAGSTER_PROCESSES[1].port):
            assert port is not None
            network.tasks.connections.allow_internally(
                ec2.Port.tcp(port), "Processes ask each other"
            )

    def _serve(self, name: str, processes: Sequence[Process], folder: str | None) -> None:
        size = self._installation.sizes[name]
        task = self._task(name, size, folder)
        for process in processes:
            self._container(task, process)
        service = ecs.FargateService(
            self,
            name.title(),
            cluster=self.cluster,
            service_name=name,
            task_definition=task,
            desired_count=size.least,
            security_groups=[self._network.tasks],
            circuit_breaker=ecs.DeploymentCircuitBreaker(enable=True, rollback=True),
            # Of what must be alone the old one ends before the new one begins.
            min_healthy_percent=100 if size.most > 1 else 0,
            max_healthy_percent=200 if size.most > 1 else 100,
            health_check_grace_period=Duration.seconds(120) if name in ("api", "stream") else None,
            enable_execute_command=False,
            cloud_map_options=ecs.CloudMapOptions(name=name),
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )
        if folder is not None:
            self._storage.file_system.grant_read_write(service.task_definition.task_role)
        if size.most > size.least:
            scaling = service.auto_scale_task_count(min_capacity=size.least, max_capacity=size.most)
            scaling.scale_on_cpu_utilization("Cpu", target_utilization_percent=60)
        self.services[name] = service

    def _once(self, name: str, command: Sequence[str], secrets: tuple[str, ...]) -> None:
        task = self._task(name, Size(512, 1024, 0, 0), None)
        self._container(task, Process(name, "worker", secrets), ["coinsphere", *command])

    def _task(self, name: str, size: Size, folder: str | None) -> ecs.FargateTaskDefinition:
        task = ecs.FargateTaskDefinition(
            self,
            f"{name.title()}Task",
            family=f"{self._installation.name}-{name}",
            cpu=size.cpu,
            memory_limit_mib=size.memory,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.X86_64,
                operating_system_family=ecs.OperatingSystemFamily.LINUX,
            ),
        )
        task.add_volume(name="tmp")
        if folder is None:
            task.add_volume(name="home")
            return task
        task.add_volume(
            name="home",
            efs_volume_configuration=ecs.EfsVolumeConfiguration(
                file_system_id=self._storage.file_system.file_system_id,
                transit_encryption="ENABLED",
                authorization_config=ecs.AuthorizationConfig(
                    access_point_id=self._storage.files[folder].access_point_id, iam="ENABLED"
                ),
            ),
        )
        return task

    def _container(
        self, task: ecs.FargateTaskDefinition, process: Process, command: Sequence[str] = ()
    ) -> None:
        container = task.add_container(
            process.name,
            image=ecs.ContainerImage.from_registry(
                f"{self._installation.images}/{process.image}:{self._installation.tag}"
            ),
            command=list(command) or ["coinsphere", "run", process.name],
            user="10001",
            readonly_root_filesystem=True,
            environment=self._variables(process),
            secrets={
                f"COINSPHERE_{name.upper()}": ecs.Secret.from_secrets_manager(
                    self._storage.secrets[name]
                )
                for name in process.secrets
            },
            logging=ecs.LogDrivers.aws_logs(
                stream_prefix=process.name,
                log_group=self.log_group,
                mode=ecs.AwsLogDriverMode.NON_BLOCKING,
            ),
            stop_timeout=Duration.seconds(process.grace),
            port_mappings=[ecs.PortMapping(container_port=process.port)] if process.port else None,
            health_check=_health_check(process) if process.port else None,
            linux_parameters=self._hardened(task, process.name),
        )
        container.add_mount_points(
            ecs.MountPoint(container_path="/tmp", source_volume="tmp", read_only=False),  # noqa: S108 - a volume of its own
            ecs.MountPoint(container_path=HOME, source_volume="home", read_only=False),
        )

    def _hardened(self, task: ecs.FargateTaskDefinition, name: str) -> ecs.LinuxParameters:
        parameters = ecs.LinuxParameters(task, f"{name.title()}Linux", init_process_enabled=True)
        parameters.drop_capabilities(ecs.Capability.ALL)
        return parameters

    def _variables(self, process: Process) -> dict[str, str]:
        host = self._installation.host
        shared = {
            "COINSPHERE_HOME": HOME,
            "COINSPHERE_ENVIRONMENT": "production",
            "COINSPHERE_MARKET": "live",
            "COINSPHERE_BIND_HOST": "0.0.0.0",  # noqa: S104 - within the task's own network
            "COINSPHERE_SERVICE_HOSTS": ",".join(
                [
                    "localhost",
                    *(f"{name}.{NAMESPACE}" for name in ("ml", "mlflow", "dagster", "stream")),
                ]
            ),
            "COINSPHERE_ML_URL": f"http://ml.{NAMESPACE}:8000",
            "COINSPHERE_MLFLOW_URL": f"http://mlflow.{NAMESPACE}:5000",
            "COINSPHERE_DAGSTER_URL": f"http://dagster.{NAMESPACE}:3000",
            "COINSPHERE_STREAM_URL": f"http://stream.{NAMESPACE}:3002",
        }
        if process is MLFLOW:
            place = f"s3://{self._storage.artifacts.bucket_name}"
            return {**shared, "COINSPHERE_MLFLOW_ARTIFACTS": place}
        if process.image == "pipeline":
            return shared
        # CloudFront and the load balancer each add the address that they saw.
        drain = {"COINSPHERE_API_DRAIN_SECONDS": str(process.drain)} if process.drain else {}
        return (
            shared
            | drain
            | {
                "COINSPHERE_TRUSTED_PROXIES": "2",
                "COINSPHERE_API_HOSTS": f"localhost,{host},stream.{NAMESPACE}",
                "COINSPHERE_FRONTEND_URL": f"https://{host}",
            }
        )


def _health_check(process: Process) -> ecs.HealthCheck:
    ask = f"import urllib.request as u; u.urlopen('http://127.0.0.1:{process.port}{process.health}', timeout=3)"
    return ecs.HealthCheck(
        command=["CMD", "python", "-c", ask],
        interval=Duration.seconds(10),
        timeout=Duration.seconds(5),
        retries=6,
        start_period=Duration.seconds(60),
    )
