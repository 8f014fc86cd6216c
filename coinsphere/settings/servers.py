"""Servers, ports, and the addresses that processes know each other by."""

from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr

from coinsphere.settings.base import Base, required


class Role(StrEnum):
    """A database role; each process is given the URL of its own."""

    OWNER = "owner"
    API = "api"
    PIPELINE = "pipeline"
    WORKER = "worker"
    READONLY = "readonly"


class Executor(StrEnum):
    """What the steps of a training run on."""

    IN_PROCESS = "in_process"
    MULTIPROCESS = "multiprocess"
    CELERY = "celery"
    KUBERNETES = "kubernetes"


class Servers(Base):
    """Servers, ports, and the addresses that processes know each other by."""

    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL URL (`postgresql://user:password@host:port/db`) of this process; "
        "empty: the embedded server.",
    )
    api_database_url: SecretStr | None = Field(
        None,
        description="The same with the API's role; it may lead to PgBouncer in transaction mode.",
    )
    api_direct_database_url: SecretStr | None = Field(
        None,
        description="The same past a pooler: the stream listens over it for what is new. Empty: `api_database_url`.",
    )
    api_replica_database_url: SecretStr | None = Field(
        None,
        description="The same of a standby, which then answers what the API reads of the market, as long as it is less than a "
        "minute behind.",
    )
    api_prepared_statements: bool = Field(
        default=True,
        description="API and stream have PostgreSQL keep plans of statements. Off behind PgBouncer before 1.22, and where its "
        "`max_prepared_statements` is 0.",
    )
    pipeline_database_url: SecretStr | None = Field(
        None, description="The same with the pipeline's role."
    )
    worker_database_url: SecretStr | None = Field(
        None, description="The same with the worker's role."
    )
    readonly_database_url: SecretStr | None = Field(
        None, description="The same with the read-only role."
    )
    dagster_database_url: SecretStr | None = Field(None, description="Dagster's own database.")
    mlflow_database_url: SecretStr | None = Field(None, description="MLflow's own database.")
    superuser_database_url: SecretStr | None = Field(
        None,
        description="A server of your own as its superuser: only `coinsphere db provision` reads it.",
    )
    redis_url: SecretStr | None = Field(None, description="Redis URL; empty: the embedded server.")
    database_pool_size: int = Field(8, ge=1, le=100, description="Connections a process may hold.")
    bind_host: str = Field("127.0.0.1", description="Address that every server binds to.")
    api_port: int = Field(3001, ge=1, le=65535, description="REST API.")
    ml_port: int = Field(8000, ge=1, le=65535, description="Model server.")
    dagster_port: int = Field(3000, ge=1, le=65535, description="Dagster UI.")
    mlflow_port: int = Field(5000, ge=1, le=65535, description="MLflow UI and tracking server.")
    stream_port: int = Field(3002, ge=1, le=65535, description="WebSocket stream.")
    dagster_executor: Executor = Field(
        Executor.MULTIPROCESS,
        description="What the steps of a training run on; `celery` and `kubernetes` need the extra of that name.",
    )
    celery_broker_url: SecretStr | None = Field(
        None, description="Redis URL of the broker of Celery; empty: `redis_url`."
    )
    least_free_mib: int = Field(
        2048,
        ge=0,
        description="`status` and `doctor` warn where the state folder's disk has less room, in MiB.",
    )
    hang_seconds: float = Field(
        60,
        ge=1,
        description="A process of the local system that has not answered for so long goes on where it was stopped, else it is started again.",
    )
    metrics_port: int = Field(
        9101, ge=1, le=65535, description="Prometheus metrics of the API and of the whole system."
    )
    worker_metrics_port: int = Field(9102, ge=1, le=65535, description="The worker's metrics.")
    stream_metrics_port: int = Field(9103, ge=1, le=65535, description="The stream's metrics.")
    ml_metrics_port: int = Field(9104, ge=1, le=65535, description="The model server's metrics.")
    dagster_metrics_port: int = Field(
        9105, ge=1, le=65535, description="Metrics of Dagster's runs, daemon and checks."
    )
    mlflow_metrics_port: int = Field(9106, ge=1, le=65535, description="MLflow's metrics.")
    backup_metrics_port: int = Field(
        9107, ge=1, le=65535, description="Metrics of the backup daemon."
    )
    watch_metrics_port: int = Field(
        9108, ge=1, le=65535, description="Metrics of the processes of this machine."
    )
    feed_metrics_port: int = Field(
        9109, ge=1, le=65535, description="Metrics of the feed of live quotes."
    )
    sentry_dsn: SecretStr | None = Field(
        None,
        description="Where faults that nobody expected are sent, by the protocol of Sentry, without secrets and addresses of "
        "people; needs the extra `sentry`. Empty: nowhere.",
    )
    traces_url: SecretStr | None = Field(
        None,
        description="Collector of OpenTelemetry traces, by OTLP over HTTP (`http://127.0.0.1:4318`; `/v1/traces` is added "
        "where no path is named); needs the extra `tracing`. Empty: none are told.",
    )
    traces_headers: SecretStr | None = Field(
        None, description="Headers that the collector demands, as `name=value, name=value`."
    )
    traces_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Which part of requests, jobs and runs is traced; of the others only what failed, without its steps.",
    )
    postgres_port: int = Field(5433, ge=1, le=65535, description="Embedded PostgreSQL.")
    redis_port: int = Field(6380, ge=1, le=65535, description="Embedded Redis.")
    service_hosts: tuple[str, ...] = Field(
        ("localhost", "127.0.0.1", "[::1]"),
        description="Host names that Dagster's UI, MLflow, the model server and the metrics answer to, beside "
        "`bind_host` (comma-separated; `.example.com` includes its sub-domains).",
    )
    service_token: SecretStr | None = Field(
        None,
        description="Token that Dagster's UI, MLflow and the model server demand, and that our processes send them; "
        "empty: the one that `coinsphere up` makes.",
    )
    ml_url: str | None = Field(
        None, description="Model server as seen from the API; empty: the local one."
    )
    mlflow_url: str | None = Field(None, description="Tracking server; empty: the local one.")
    mlflow_artifacts: str | None = Field(
        None,
        pattern=r"^s3://[^/]+(/.*)?$",
        description="Where MLflow's server keeps artifacts, `s3://bucket/prefix`, by AWS's usual variables and "
        "`MLFLOW_S3_ENDPOINT_URL`; needs the extra `aws`, and is in no backup of ours. Empty: `mlflow` in the state folder.",
    )
    dagster_url: str | None = Field(
        None, description="Dagster's webserver as seen from the API; empty: the local one."
    )
    stream_url: str | None = Field(
        None, description="The stream as seen from the API, over HTTP; empty: the local one."
    )
    frontend_url: str = Field(
        "",
        description="Base of the links in mails; empty: the API's own pages, at `localhost` and `api_port`.",
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="Mail relay, `smtp://user:password@host:port` or `smtps://…`; empty: mails land in the folder "
        "`mail` of the state, which `coinsphere mail` lists.",
    )
    channel_private_networks: bool = Field(
        default=False,
        description="Channels of alerts may lead to private networks, by plain HTTP and to any port: only where every "
        "user may reach what this machine reaches.",
    )
    mail_from: str = Field(
        "Coinsphere <no-reply@coinsphere.local>", description="Sender of all mails."
    )
    operator_email: str | None = Field(
        None,
        description="Who is told by mail of failed runs, alarms, a disk that fills and data that wait for a decision, beside "
        "the administrators.",
    )

    @property
    def stream_socket(self) -> Path:
        """Where the API hands WebSockets to the stream."""
        return self.state / "stream.sock"

    def url_for(self, role: Role) -> str:
        """The database URL of `role`; the process's own where none is set for the role.

        Raises:
            ConfigurationError: if no database is configured.
        """
        own = self.database_url if role is Role.OWNER else getattr(self, f"{role}_database_url")
        return required(own or self.database_url)

    @property
    def api_direct_dsn(self) -> str:
        """The database URL of the API's role past a pooler. Raises ConfigurationError if no database is configured."""
        own = self.api_direct_database_url
        return self.url_for(Role.API) if own is None else own.get_secret_value()

    @property
    def api_replica_dsn(self) -> str | None:
        """The database URL of a standby, where there is one."""
        own = self.api_replica_database_url
        return None if own is None else own.get_secret_value()

    @property
    def dsn(self) -> str:
        """The database URL of this process. Raises ConfigurationError if there is none."""
        return required(self.database_url)

    @property
    def redis_dsn(self) -> str:
        """The URL of Redis. Raises ConfigurationError if there is none."""
        return required(self.redis_url, "COINSPHERE_REDIS_URL")

    @property
    def celery_broker_dsn(self) -> str:
        """The URL of Celery's broker. Raises ConfigurationError if there is none."""
        return required(self.celery_broker_url or self.redis_url, "COINSPHERE_CELERY_BROKER_URL")

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """Host names that our servers beside the API answer to."""
        bound = f"[{self.bind_host}]" if ":" in self.bind_host else self.bind_host
        return (*self.service_hosts, bound)

    @property
    def service_headers(self) -> dict[str, str]:
        """Headers by which our processes are let into Dagster's UI, MLflow and the model server."""
        if self.service_token is None:
            return {}
        return {"Authorization": f"Bearer {self.service_token.get_secret_value()}"}

    @property
    def pages_url(self) -> str:
        """Base of links to our pages, without a slash at its end. A name, not an address: passkeys belong to names."""
        return self.frontend_url.rstrip("/") or f"http://localhost:{self.api_port}"

    @property
    def model_server_url(self) -> str:
        """Base URL of the model server."""
        return self.ml_url or f"http://127.0.0.1:{self.ml_port}"

    @property
    def tracking_url(self) -> str:
        """Base URL of the MLflow tracking server."""
        return self.mlflow_url or f"http://127.0.0.1:{self.mlflow_port}"

    @property
    def orchestrator_url(self) -> str:
        """Base URL of Dagster's webserver."""
        return self.dagster_url or f"http://127.0.0.1:{self.dagster_port}"

    @property
    def stream_server_url(self) -> str:
        """Base URL of the stream, over HTTP."""
        return self.stream_url or f"http://127.0.0.1:{self.stream_port}"
