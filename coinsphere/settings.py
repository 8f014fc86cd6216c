"""All settings in one frozen object; this module alone reads the environment.

A setting named `api_port` is the variable `COINSPHERE_API_PORT`. Values come, first match wins, from the
environment, from `.env` in the working directory, from a folder of files and from AWS Secrets Manager where one is
named, and from the `credentials.env` (mode 0600) that the local services write into the state folder, so that every
command finds the running system without exports.
"""

import os
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from coinsphere.errors import ConfigurationError

PREFIX = "COINSPHERE_"
CREDENTIALS_FILE = "credentials.env"
LEAST_PASSWORD = 16
"""Characters of a server's password in production."""

_PLACEHOLDER = re.compile(
    r"change.?me|replace.?me|your[-_]|placeholder|example|^todo|^x+$|<.*>|^(admin|coinsphere|default|dummy|guest|pass|"
    r"password|postgres|redis|root|secret|test|user)\W*\d*$|password123|123456",
    re.IGNORECASE,
)


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


class Settings(BaseModel):
    """The settings of one process. See `docs/settings.md` for the table made from this class."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Where things lie
    home: Path = Field(Path(".coinsphere"), description="Folder of all local state.")
    environment: str = Field(
        "local",
        pattern="^(local|production)$",
        description="`production` refuses placeholder secrets and hides the debug surface.",
    )
    log_level: str = Field(
        "INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level logged."
    )

    # Servers; empty means the embedded ones
    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL URL (`postgresql://user:password@host:port/db`) of this process; "
        "empty: the embedded server.",
    )
    api_database_url: SecretStr | None = Field(None, description="The same with the API's role.")
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

    # Ports
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
        description="A process of the local system that has not answered for so long is ended and started again.",
    )
    metrics_port: int = Field(9101, ge=1, le=65535, description="Prometheus metrics of the API.")
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

    # Market data
    market: str = Field(
        "auto",
        pattern="^(auto|live|simulated|files(:.+)?)$",
        description="Where prices come from when the local database is created: `auto`, `live`, `simulated` or "
        "`files:DIR`. Recorded in the database; later changes are refused.",
    )
    market_exchanges: tuple[str, ...] = Field(
        (
            "binance",
            "coinbase",
            "kraken",
            "okx",
            "bybit",
            "kucoin",
            "bitstamp",
            "gate",
            "bitfinex",
        ),
        description="Exchanges asked for public prices (comma-separated): for quotes all at once, for candles in this "
        "order of preference.",
    )
    market_quorum: int = Field(
        3, ge=1, le=20, description="Venues that have to agree before a price counts as `ok`."
    )
    market_consensus_days: int = Field(
        30,
        ge=7,
        le=3650,
        description="Days that each minute's price is kept with what it was made of; of older ones each hour's stays.",
    )
    market_quote_currencies: tuple[str, ...] = Field(
        ("USDT", "USD", "USDC"),
        description="Quote currencies of candles that are accepted as US dollars, in order of preference.",
    )
    market_history_days: int = Field(
        1500, ge=90, le=10_000, description="Days of daily candles fetched at first."
    )
    market_hourly_days: int = Field(
        30, ge=1, le=730, description="Days of hourly candles fetched at first."
    )
    market_seed: int = Field(20260101, ge=0, description="Seed of the simulated market.")
    market_stale_seconds: int = Field(300, ge=30, description="A quote older than this is stale.")
    coingecko_url: str = Field(
        "https://api.coingecko.com/api/v3", description="CoinGecko's base URL."
    )
    coingecko_api_key: SecretStr | None = Field(
        None, description="CoinGecko demo key; works without."
    )
    exchange_rates_url: str = Field(
        "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.zip",
        description="Reference rates of the European Central Bank: its zip, CSV or XML; empty: not fetched.",
    )
    exchange_rates_file: Path | None = Field(
        None, description="The same from a file, for where the address does not answer."
    )
    exchange_base_url: str | None = Field(
        None,
        description="Base URL that replaces every exchange's own (a recording proxy, a test server).",
    )

    # Models
    ml_url: str | None = Field(
        None, description="Model server as seen from the API; empty: the local one."
    )
    mlflow_url: str | None = Field(None, description="Tracking server; empty: the local one.")
    dagster_url: str | None = Field(
        None, description="Dagster's webserver as seen from the API; empty: the local one."
    )
    stream_url: str | None = Field(
        None, description="The stream as seen from the API, over HTTP; empty: the local one."
    )
    ml_tokens: tuple[str, ...] = Field(
        ("BTC", "ETH", "SOL"),
        description="Tokens that models are trained for by default (comma-separated).",
    )
    ml_training_days: int = Field(
        1095, ge=200, le=10_000, description="Days of history that a model is trained on."
    )
    ml_epochs: int = Field(
        50, ge=1, le=1000, description="Most epochs of a training; early stopping may end it."
    )
    ml_seed: int = Field(7, ge=0, description="Seed of every training.")
    ml_refresh_seconds: int = Field(
        15, ge=1, description="How often the model server looks for a new champion."
    )
    ml_expiry_days: int = Field(
        90, ge=1, description="Age of a model's data cut-off past which its answers are stale."
    )
    ml_baseline_days: int = Field(
        180,
        ge=1,
        description="Age of the global champion's data cut-off past which the baseline serves in its place.",
    )
    ml_processes: int = Field(
        2, ge=1, description="Processes that a walk-forward of the global model spreads over."
    )

    # API
    jwt_issuer: str = Field("coinsphere", description="`iss` of access tokens.")
    jwt_audience: str = Field("coinsphere-api", description="`aud` of access tokens.")
    jwt_keys_dir: Path | None = Field(
        None, description="Folder of signing keys; empty: `keys` in the state folder."
    )
    jwt_algorithm: str = Field(
        "RS256",
        pattern="^(RS256|PS256|ES256|EdDSA)$",
        description="Algorithm of the signing keys that are made from now on; each key keeps its own.",
    )
    access_token_seconds: int = Field(600, ge=30, le=3600, description="Life of an access token.")
    refresh_idle_days: int = Field(
        14, ge=1, le=90, description="A refresh token unused for so long expires."
    )
    refresh_grace_seconds: int = Field(
        5,
        ge=0,
        le=10,
        description="For so long a refresh token that was used gives the same successor again (tabs that refresh at "
        "once, a lost answer); 0: a second use always ends the session.",
    )
    refresh_absolute_days: int = Field(
        90, ge=1, le=365, description="A session ends after so long in any case."
    )
    registration_conceals_accounts: bool = Field(
        default=False,
        description="Answer a registration of a taken address as if it were new, and mail its owner.",
    )
    frontend_url: str = Field(
        "",
        description="Base of the links in mails; empty: the API's own pages, at `localhost` and `api_port`.",
    )
    cors_origins: tuple[str, ...] = Field(
        (), description="Exact origins that browsers may call from."
    )
    api_hosts: tuple[str, ...] = Field(
        ("localhost", "127.0.0.1", "[::1]"),
        description="Host names that the API answers to, beside `bind_host` (comma-separated; `.example.com` "
        "includes its sub-domains).",
    )
    api_workers: int = Field(2, ge=1, le=64, description="gunicorn worker processes.")
    api_threads: int = Field(8, ge=1, le=64, description="Threads of one worker process.")
    api_connections_per_address: int = Field(
        256,
        ge=0,
        le=1000,
        description="Connections that one address (of IPv6 its /64) may hold in one worker process, or in the stream "
        "before it says who it is; 0: any number. "
        "Behind `trusted_proxies` they are not counted: the proxy has one address.",
    )
    cache_seconds: int = Field(10, ge=1, le=3600, description="Life of a cached public answer.")
    trusted_proxies: int = Field(
        0,
        ge=0,
        le=5,
        description="Reverse proxies in front of the API whose `X-Forwarded-For` is believed.",
    )
    rate_limit_window_seconds: int = Field(
        900, ge=1, le=86_400, description="The window that requests are counted in."
    )
    rate_limit_api: int = Field(
        3000, ge=1, description="Requests of one user, or address without one, in a window."
    )
    rate_limit_auth: int = Field(
        300,
        ge=1,
        description="Registrations, logins and refreshes from one address in a window.",
    )
    rate_limit_auth_failures: int = Field(
        100,
        ge=1,
        description="Refused ones of these from one address in a window; 5 to 10 on a public server.",
    )

    rate_limit_key: int = Field(
        1000, ge=1, description="Requests of one API key in a window; they count for its user too."
    )
    features_off: tuple[str, ...] = Field(
        (),
        description="Parts of the API that are off whatever an administrator switched: registration, api-keys, "
        "predictions, portfolios, alerts, defi, exchanges.",
    )

    login_failures_global: int = Field(
        1000,
        ge=1,
        description="Accounts and networks with wrong passwords in 15 minutes after which only known networks log in.",
    )
    password_scheme: str = Field(
        "argon2id",
        pattern="^(argon2id|bcrypt)$",
        description="How new passwords are hashed; hashes of the other kind are verified, and made anew at a login.",
    )
    totp_drift_steps: int = Field(
        1,
        ge=0,
        le=1,
        description="Steps of 30 s by which an authenticator's clock may be wrong either way.",
    )
    admin_session_hours: int = Field(
        12,
        ge=1,
        le=168,
        description="A session of an administrator ends after so long in any case.",
    )

    # Wallets and DeFi
    wallet_nodes: SecretStr | None = Field(
        None,
        description="Nodes of chains as `chain=url` pairs (comma-separated, several of one chain in order of "
        "preference; a provider's key may stand in the URL): JSON-RPC, of `bitcoin` an Esplora interface. Chains that "
        "are not named use public nodes.",
    )
    wallet_private_networks: bool = Field(
        default=False,
        description="Nodes may lie in private networks and be asked by plain HTTP, like one's own.",
    )
    defillama_url: str = Field("https://api.llama.fi", description="DefiLlama's base URL.")
    defillama_yields_url: str = Field(
        "https://yields.llama.fi", description="DefiLlama's base URL of yields."
    )

    breached_passwords_file: Path | None = Field(
        None,
        description="Sorted list of SHA-1s of stolen passwords, as Have I Been Pwned distributes it; none of them may be "
        "chosen. Empty: the 30,000 most common ones are refused alone.",
    )
    breached_passwords_url: str | None = Field(
        None,
        pattern=r"^https?://",
        description="Service that is asked for stolen passwords by five digits of their SHA-1, such as "
        "`https://api.pwnedpasswords.com/range`; empty: none. One that is away refuses nobody.",
    )

    # Secrets and the audit log
    password_keys_dir: Path | None = Field(
        None,
        description="Folder of the keys that bcrypt hashes and login counters depend on; empty: `password-keys` in the "
        "state folder.",
    )
    encryption_keys_dir: Path | None = Field(
        None,
        description="Folder of the keys that wrap data keys; empty: `encryption-keys` in the state folder.",
    )
    audit_keys_dir: Path | None = Field(
        None,
        description="Folder of the keys that seal the audit log; empty: `audit-keys` in the state folder.",
    )
    audit_anchor_file: Path | None = Field(
        None,
        description="File of the audit log's anchors, best on another disk; empty: `audit-anchors.jsonl` in the "
        "state folder.",
    )
    secrets_dir: Path | None = Field(
        None,
        description="Folder of files named like settings (`database_url` or `COINSPHERE_DATABASE_URL`), as Docker and "
        "Kubernetes mount secrets.",
    )
    aws_secret_id: str | None = Field(
        None,
        description="Secret in AWS Secrets Manager, a JSON object of variables; needs the extra `aws`.",
    )
    aws_region: str | None = Field(
        None, description="Its region; empty: as AWS's own tools decide."
    )
    aws_endpoint_url: str | None = Field(
        None, description="Another endpoint of Secrets Manager, like a VPC's; empty: AWS's own."
    )

    # Backups
    backup_database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL URL of a role with REPLICATION, by which backups are made; empty: the embedded server's.",
    )
    backup_hours: int = Field(
        24, ge=0, le=168, description="Hours from one base backup to the next; 0: none are made."
    )
    backup_places: tuple[str, ...] = Field(
        (),
        description="Folders and buckets (`s3://bucket/prefix`) that every backup is written to (comma-separated), best "
        "two, one of them far away; empty: `backups` in the state folder.",
    )
    backup_endpoint_url: str | None = Field(
        None, description="Another endpoint of S3; empty: AWS's own."
    )
    backup_recipients: tuple[str, ...] = Field(
        (),
        description="Public keys of age (`age1…`) that backups are sealed for (comma-separated); empty: that of "
        "`backup_identity_file`.",
    )
    backup_identity_file: Path | None = Field(
        None,
        description="File of the identities of age that open backups; empty: `backup-identity.txt` in the state folder, "
        "which is made. Keep a copy elsewhere: without it no backup can be read.",
    )
    backup_passphrase: SecretStr | None = Field(
        None,
        description="Passphrase that seals the keys and passwords in backups, apart from the data; empty: the recipients.",
    )
    backup_keep_days: int = Field(
        7,
        ge=1,
        description="Days for which every backup is kept, with the log to restore any second of them.",
    )
    backup_keep_weeks: int = Field(
        4, ge=0, description="Weeks, for which one chain of backups each is kept beyond that."
    )
    backup_most_mib: int = Field(
        8192,
        ge=64,
        description="Base backups of a place are not larger than this together, in MiB: the oldest go first, the newest "
        "stays in any case.",
    )
    backup_wal_seconds: int = Field(
        5, ge=1, le=60, description="So often what was committed since is written to the places."
    )

    # Mail
    smtp_url: SecretStr | None = Field(
        None,
        description="Mail relay, `smtp://user:password@host:port` or `smtps://…`; empty: mails land in the folder "
        "`mail` of the state, which `coinsphere mail` lists.",
    )
    operator_email: str | None = Field(
        None,
        description="Who is told by mail of failed runs, alarms, a disk that fills and data that wait for a decision, beside "
        "the administrators.",
    )
    mail_from: str = Field(
        "Coinsphere <no-reply@coinsphere.local>", description="Sender of all mails."
    )

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read the settings.

        Args:
            env: the variables; None reads the process's environment, `.env` and the credentials file.

        Raises:
            ConfigurationError: names each variable that is unknown or wrong, and why.
        """
        variables = environment() if env is None else dict(env)
        given = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in variables.items()
            if name.startswith(PREFIX) and value != ""
        }
        try:
            return cls(**{name: _parse(cls, name, value) for name, value in given.items()})
        except ValidationError as error:
            raise ConfigurationError(_explain(error)) from None

    @property
    def state(self) -> Path:
        """The state folder as an absolute path."""
        return self.home.expanduser().resolve()

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
        return _required(own or self.database_url)

    @property
    def dsn(self) -> str:
        """The database URL of this process. Raises ConfigurationError if there is none."""
        return _required(self.database_url)

    @property
    def redis_dsn(self) -> str:
        """The URL of Redis. Raises ConfigurationError if there is none."""
        return _required(self.redis_url, "COINSPHERE_REDIS_URL")

    @property
    def celery_broker_dsn(self) -> str:
        """The URL of Celery's broker. Raises ConfigurationError if there is none."""
        return _required(self.celery_broker_url or self.redis_url, "COINSPHERE_CELERY_BROKER_URL")

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

    @property
    def keys_dir(self) -> Path:
        """Folder of the keys that sign access tokens."""
        return self.jwt_keys_dir or self.state / "keys"

    @property
    def encryption_keys(self) -> Path:
        """Folder of the keys that wrap data keys."""
        return self.encryption_keys_dir or self.state / "encryption-keys"

    @property
    def password_keys(self) -> Path:
        """Folder of the keys that bcrypt hashes and login counters depend on."""
        return self.password_keys_dir or self.state / "password-keys"

    @property
    def audit_keys(self) -> Path:
        """Folder of the keys that seal the audit log."""
        return self.audit_keys_dir or self.state / "audit-keys"

    @property
    def audit_anchors(self) -> Path:
        """File of the audit log's anchors."""
        return self.audit_anchor_file or self.state / "audit-anchors.jsonl"

    @property
    def makes_backups(self) -> bool:
        """Whether backups are made here."""
        return self.backup_database_url is not None and self.backup_hours > 0

    @property
    def backup_dsn(self) -> str:
        """The URL that backups are made by. Raises ConfigurationError if there is none."""
        return _required(self.backup_database_url, "COINSPHERE_BACKUP_DATABASE_URL")

    @property
    def backup_identity(self) -> Path:
        """File of the identities that open backups."""
        return self.backup_identity_file or self.state / "backup-identity.txt"

    @model_validator(mode="after")
    def _refuse_weak_secrets(self) -> Self:
        """In production a secret that could be guessed is no secret."""
        if self.environment == "production":
            faults = [f"{variable(name)} {fault}" for name, fault in _weak_secrets(self)]
            if faults:
                raise ValueError("\n  ".join(faults))
        return self


def sqlalchemy_url(url: str, driver: str) -> str:
    """`url` with SQLAlchemy's driver written out, `psycopg` or `psycopg2`; a bare scheme means another one by version."""
    return urlsplit(url)._replace(scheme=f"postgresql+{driver}").geturl()


def variable(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.upper()


def environment(*, with_credentials: bool = True) -> dict[str, str]:
    """The variables that settings are read from.

    The process's own over `.env` over the folder of secrets over AWS Secrets Manager over the local services'
    credentials.

    Args:
        with_credentials: False leaves out what the local services wrote, so that only what a person chose remains.

    Raises:
        ConfigurationError: the folder or the secret that the variables name cannot be read.
    """
    explicit = _with_secrets({**dotenv_values(".env"), **os.environ})
    home = Path(explicit.get(variable("home")) or Settings.model_fields["home"].default)
    credentials = dotenv_values(home.expanduser() / CREDENTIALS_FILE) if with_credentials else {}
    merged = {**credentials, **explicit}
    return {name: value for name, value in merged.items() if value is not None}


def _with_secrets(given: dict[str, str | None]) -> dict[str, str | None]:
    """The variables with those beside them that the folder and the secret hold which they name."""
    folder, secret_id = given.get(variable("secrets_dir")), given.get(variable("aws_secret_id"))
    if folder:
        given = {**_folder(Path(folder)), **given}
    if secret_id:
        given = {**_aws(secret_id, given), **given}
    return given


def _folder(folder: Path) -> dict[str, str]:
    """A folder's files as variables; hidden ones are Kubernetes' own, and a last line break is an editor's."""
    try:
        files = [path for path in folder.iterdir() if path.is_file() and path.name[0] != "."]
        return {_full_name(path.name): path.read_text().rstrip("\r\n") for path in files}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{variable('secrets_dir')}: {folder} cannot be read: {error}"
        ) from error


def _aws(secret_id: str, given: Mapping[str, str | None]) -> dict[str, str]:
    """A secret of AWS Secrets Manager as variables."""
    # Only who keeps secrets there has these packages, and waits for their import.
    try:
        from boto3.exceptions import Boto3Error  # noqa: PLC0415  optional
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  optional
        from pydantic_settings import AWSSecretsManagerSettingsSource, BaseSettings  # noqa: PLC0415  optional
    except ImportError as error:
        raise ConfigurationError(
            f"{variable('aws_secret_id')} needs more packages: pip install 'coinsphere[aws]'"
        ) from error
    try:
        source = AWSSecretsManagerSettingsSource(
            BaseSettings,
            secret_id,
            region_name=given.get(variable("aws_region")) or None,
            endpoint_url=given.get(variable("aws_endpoint_url")) or None,
        )
        found = source.env_vars.items()
    except (Boto3Error, BotoCoreError, ClientError, ValueError, AttributeError) as error:
        # A parser's message would show the secret.
        why = "it is no JSON object" if isinstance(error, ValueError | AttributeError) else error
        raise ConfigurationError(
            f"{variable('aws_secret_id')}: {secret_id} cannot be read: {why}"
        ) from None
    return {_full_name(name): str(value) for name, value in found if value is not None}


def _full_name(name: str) -> str:
    """`database_url` as the variable `COINSPHERE_DATABASE_URL`."""
    name = name.upper()
    return name if name.startswith(PREFIX) else PREFIX + name


def _weak_secrets(settings: Settings) -> Iterator[tuple[str, str]]:
    """Each secret that could be guessed, and why; never the secret."""
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr) and (fault := _weakness(name, value.get_secret_value())):
            yield name, fault


def _weakness(name: str, value: str) -> str | None:
    is_url = "://" in value
    secret = unquote(urlsplit(value).password or "") if is_url else value
    serves_us = name.endswith("database_url") or name in (
        "redis_url",
        "celery_broker_url",
        "service_token",
    )
    if secret == "":
        return "has no password" if serves_us else None
    if _PLACEHOLDER.search(secret):
        return "holds a placeholder: put the real secret there"
    if serves_us and (len(secret) < LEAST_PASSWORD or len(set(secret)) < LEAST_PASSWORD // 2):
        return f"has a weak password: generate one of {LEAST_PASSWORD} characters or more"
    return None


def _parse(cls: type[Settings], name: str, value: str) -> Any:
    field = cls.model_fields.get(name)
    if field is not None and field.annotation == tuple[str, ...]:
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _required(url: SecretStr | None, name: str = "COINSPHERE_DATABASE_URL") -> str:
    if url is None:
        raise ConfigurationError(
            f"{name} is not set and no local services run: start them with `coinsphere up`."
        )
    return url.get_secret_value()


def _explain(error: ValidationError) -> str:
    """One line a wrong setting, without its value: it may be a secret."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        if not problem["loc"]:
            lines.append(problem["msg"].removeprefix("Value error, "))
            continue
        name = variable(str(problem["loc"][0]))
        what = "is not a setting" if problem["type"] == "extra_forbidden" else problem["msg"]
        lines.append(f"{name}: {what}")
    return "Settings are wrong:\n  " + "\n  ".join(lines)
