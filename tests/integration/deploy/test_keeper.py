"""The backup daemon as the compose file starts it: its variables, its secrets, and who may connect to PostgreSQL."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml
from click.testing import CliRunner

from coinsphere.cli.system.deployment import secrets
from coinsphere.db import migrate
from coinsphere.local.postgres import PostgresServer
from coinsphere.security.signing.file_keyring import FileKeyring
from tests.conftest import free_port
from tests.integration.backup.servers import running
from tests.integration.deploy.apart import ROOT, until
from tests.unit.deploy.test_files import COMPOSE, interpolated

BIN = Path(sys.executable).parent
HBA = COMPOSE.parent / "pg_hba.conf"


def _secret(folder: Path, name: str) -> str:
    return (folder / name).read_text()


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> Path:
    """What `coinsphere secrets` writes for a server of these tests."""
    folder = tmp_path_factory.mktemp("keeper") / "secrets"
    options = [str(folder), "--postgres", f"127.0.0.1:{free_port()}"]
    assert CliRunner().invoke(secrets, options).exit_code == 0
    return folder


@pytest.fixture(scope="module")
def server(given) -> Iterator[PostgresServer]:
    port = urlsplit(_secret(given, "database_url")).port
    passwords = {"postgres": _secret(given, "superuser_password")}
    made = PostgresServer(given.parent / "data", port, passwords, durable=False)
    made.initialise()
    with running(made, given.parent / "log", "-c", f"hba_file={HBA}") as server:
        own = _only(given, _service("provision"), given.parent / "of-provision")
        done = _coinsphere({"COINSPHERE_SECRETS_DIR": str(own)}, "db", "provision")
        assert done.returncode == 0, done.stderr
        migrate.upgrade(_secret(given, "database_url"))
        yield server


def _service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(interpolated(COMPOSE.read_text()))["services"][name]
    return found


def _only(given: Path, service: dict[str, Any], folder: Path) -> Path:
    """The secrets that a service is given, and no other."""
    folder.mkdir()
    for name in service["secrets"]:
        shutil.copy(given / name, folder / name)
    return folder


def _coinsphere(variables: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / "coinsphere", *arguments],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def variables(given, server, tmp_path) -> dict[str, str]:
    """Those of the service, with the container's folders in one of the test."""
    service = _service("backup")
    inside = {
        "/var/lib/coinsphere": tmp_path / "home",
        "/run/secrets": tmp_path / "secrets",
        "/keys": tmp_path / "keys",
    }
    found = {**service["environment"], "COINSPHERE_BACKUP_METRICS_PORT": str(free_port())}
    for name, value in service["environment"].items():
        for folder, here in inside.items():
            if value.startswith(folder):
                found[name] = value.replace(folder, str(here), 1)
    _only(given, service, tmp_path / "secrets")
    FileKeyring(tmp_path / "keys" / "keys")
    model = tmp_path / "home" / "mlflow" / "1" / "model"
    model.parent.mkdir(parents=True)
    model.write_text("weights")
    return found


def test_it_stores_the_log_keys_and_models_and_what_it_stored_is_whole(variables, tmp_path) -> None:
    with (
        (tmp_path / "said").open("wb") as said,
        subprocess.Popen(
            [BIN / "coinsphere", "run", "backup"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **variables},
            stdout=said,
            stderr=said,
        ) as keeper,
    ):
        try:
            place = tmp_path / "home" / "backups"
            until(lambda: list(place.glob("base/*/manifest.json")), "a base backup")
            until(lambda: list(place.glob("wal/*")), "the log")
            until(lambda: list(place.rglob("blobs/*.age")), "the files of models")
            until(lambda: list(place.rglob("*.tar.age")), "the keys")
            verified = _coinsphere(variables, "backup", "verify")
            assert verified.returncode == 0, verified.stdout + verified.stderr
        finally:
            keeper.terminate()
    assert keeper.returncode == 0, (tmp_path / "said").read_text()


def test_nobody_but_its_role_receives_the_log(given, server) -> None:
    psycopg.connect(_secret(given, "backup_database_url"), replication="true").close()
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        psycopg.connect(_secret(given, "database_url"), replication="true")
