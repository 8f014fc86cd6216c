"""Settings from a folder of files and from AWS Secrets Manager; weak secrets stop a production start."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from coinsphere.errors import ConfigurationError
from coinsphere.settings import Settings

STRONG = "v7Qm2xTz9LrKp4Wn8sYb"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "secrets"
    made.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COINSPHERE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COINSPHERE_SECRETS_DIR", str(made))
    return made


def test_a_folder_of_files_as_docker_and_kubernetes_mount_it(folder: Path) -> None:
    data = folder / "..2026_11_24"
    data.mkdir()
    (data / "redis_url").write_text(f"redis://:{STRONG}@cache:6379/0\n")
    (folder / "..data").symlink_to(data)
    (folder / "redis_url").symlink_to(folder / "..data" / "redis_url")
    (folder / "COINSPHERE_SMTP_URL").write_text("smtp://a:b@mail:25")
    (folder / "mail_from").write_text("x@example.org\r\n")
    settings = Settings.from_env()
    assert settings.redis_dsn == f"redis://:{STRONG}@cache:6379/0"
    assert settings.smtp_url == SecretStr("smtp://a:b@mail:25")
    assert settings.mail_from == "x@example.org"


def test_the_environment_comes_first_then_env_then_files_then_credentials(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("API_PORT", "ML_PORT", "DAGSTER_PORT", "MLFLOW_PORT")
    (tmp_path / "home").mkdir()
    lines = [f"COINSPHERE_{name}=1004\n" for name in names]
    (tmp_path / "home" / "credentials.env").write_text("".join(lines))
    for name in names[:3]:
        (folder / name.lower()).write_text("1003")
    (tmp_path / ".env").write_text("COINSPHERE_API_PORT=1002\nCOINSPHERE_ML_PORT=1002\n")
    monkeypatch.setenv("COINSPHERE_API_PORT", "1001")
    found = Settings.from_env()
    assert (found.api_port, found.ml_port, found.dagster_port, found.mlflow_port) == (1001, 1002, 1003, 1004)  # fmt: skip


def test_an_unknown_file_is_refused_like_an_unknown_variable(folder: Path) -> None:
    (folder / "redis_ulr").write_text("redis://x")
    with pytest.raises(ConfigurationError, match="COINSPHERE_REDIS_ULR: is not a setting"):
        Settings.from_env()


def test_a_folder_that_is_missing_or_unreadable_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "redis_url").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"COINSPHERE_SECRETS_DIR.*cannot be read"):
        Settings.from_env()
    monkeypatch.setenv("COINSPHERE_SECRETS_DIR", "/nowhere")
    with pytest.raises(ConfigurationError, match="COINSPHERE_SECRETS_DIR: /nowhere cannot be read"):
        Settings.from_env()


@pytest.fixture(scope="module")
def secrets_manager() -> Iterator[str]:
    """The endpoint of a local server that speaks AWS's protocol."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(secrets_manager: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Stores a secret, and points the settings to it."""
    monkeypatch.chdir(tmp_path)
    variables = {
        "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_EC2_METADATA_DISABLED": "true",
        "COINSPHERE_HOME": str(tmp_path), "COINSPHERE_AWS_REGION": "eu-central-1",
        "COINSPHERE_AWS_ENDPOINT_URL": secrets_manager,
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    client = boto3.client(
        "secretsmanager", region_name="eu-central-1", endpoint_url=secrets_manager
    )

    def store(name: str, content: str) -> None:
        client.create_secret(Name=name, SecretString=content)
        monkeypatch.setenv("COINSPHERE_AWS_SECRET_ID", name)

    yield store
    client.close()


def test_a_secret_of_aws_secrets_manager(aws, monkeypatch: pytest.MonkeyPatch) -> None:
    content = {
        "COINSPHERE_REDIS_URL": "redis://cache",
        "smtp_url": "smtp://a:b@mail:25",
        "api_port": 3999,
    }
    aws("coinsphere/production", json.dumps(content))
    monkeypatch.setenv("COINSPHERE_REDIS_URL", "redis://nearer")
    settings = Settings.from_env()
    assert settings.redis_dsn == "redis://nearer"
    assert settings.smtp_url == SecretStr("smtp://a:b@mail:25")
    assert settings.api_port == 3999


@pytest.mark.parametrize("content", ["no JSON but s3cret", '["s3cret"]', '"s3cret"'])
def test_a_secret_that_is_no_json_object_is_refused_without_being_shown(aws, content: str) -> None:
    aws(f"broken-{len(content)}", content)
    with pytest.raises(ConfigurationError, match="it is no JSON object") as refused:
        Settings.from_env()
    assert "s3cret" not in str(refused.value)


def test_an_unknown_variable_in_the_secret_is_refused(aws) -> None:
    aws("unknown", '{"redis_ulr": "x"}')
    with pytest.raises(ConfigurationError, match="COINSPHERE_REDIS_ULR: is not a setting"):
        Settings.from_env()


def test_a_secret_that_is_not_there_is_named(aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINSPHERE_AWS_SECRET_ID", "nowhere")
    with pytest.raises(
        ConfigurationError, match="COINSPHERE_AWS_SECRET_ID: nowhere cannot be read"
    ):
        Settings.from_env()


WEAK = [
    ("DATABASE_URL", "postgresql://coinsphere:changeme@db/x", "placeholder"),
    ("DATABASE_URL", "postgresql://coinsphere:CHANGE_ME_please@db/x", "placeholder"),
    ("DATABASE_URL", "postgresql://coinsphere:postgres@db/x", "placeholder"),
    ("API_DATABASE_URL", "postgresql://coinsphere:%3Cpassword%3E@db/x", "placeholder"),
    ("DATABASE_URL", "postgresql://coinsphere:short@db/x", "weak password"),
    ("DATABASE_URL", f"postgresql://coinsphere:{'ab' * 20}@db/x", "weak password"),
    ("DATABASE_URL", "postgresql://coinsphere@db/x", "has no password"),
    ("REDIS_URL", "redis://cache:6379", "has no password"),
    ("REDIS_URL", "redis://:password@cache:6379", "placeholder"),
    ("SMTP_URL", "smtp://user:your-password-here@mail:25", "placeholder"),
    ("COINGECKO_API_KEY", "replace-me", "placeholder"),
]


@pytest.mark.parametrize(("name", "value", "fault"), WEAK)
def test_a_weak_secret_stops_a_production_start_and_is_named_but_not_shown(
    name: str, value: str, fault: str
) -> None:
    given = {f"COINSPHERE_{name}": value}
    Settings.from_env(given)
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_env({**given, "COINSPHERE_ENVIRONMENT": "production"})
    assert f"COINSPHERE_{name} " in str(refused.value)
    assert fault in str(refused.value)
    assert value not in str(refused.value)


def test_every_weak_secret_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_env(
            {
                "COINSPHERE_ENVIRONMENT": "production",
                "COINSPHERE_DATABASE_URL": "postgresql://a:b@c/d",
                "COINSPHERE_REDIS_URL": "redis://x",
            }
        )
    assert len(str(refused.value).splitlines()) == 3


def test_strong_secrets_start_in_production() -> None:
    settings = Settings.from_env(
        {
            "COINSPHERE_ENVIRONMENT": "production",
            "COINSPHERE_DATABASE_URL": f"postgresql://a:{STRONG}@c/d",
            "COINSPHERE_REDIS_URL": f"rediss://:{STRONG}@x",
            "COINSPHERE_SMTP_URL": "smtp://mail:25",
            "COINSPHERE_COINGECKO_API_KEY": "CG-1a2b3c4d5e6f",
        }
    )
    assert settings.environment == "production"
