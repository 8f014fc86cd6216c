"""A command of ours over a database of the test's own."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from coinsphere.cli.main import cli
from coinsphere.local.postgres import SUPERUSER
from coinsphere.security.symmetric_keys import SymmetricKeys
from tests.conftest import TestDatabase as Database

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder, and the settings that lead to it and to the database."""
    folder = tmp_path / "home"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COINSPHERE_HOME", str(folder))
    monkeypatch.setenv("COINSPHERE_DATABASE_URL", database.owner)
    return folder


@pytest.fixture
def run(home: Path) -> Run:
    """Runs `coinsphere` with arguments, in this process."""

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(cli, arguments)

    return command


@pytest.fixture
def keys(home: Path) -> SymmetricKeys:
    """The keys that seal the audit log."""
    return SymmetricKeys(home / "audit-keys")


@pytest.fixture
def superuser(database: Database) -> psycopg.Connection:
    """Somebody who may do everything, the triggers switched off."""
    url = database.server.url(SUPERUSER, database.name)
    with psycopg.connect(url, autocommit=True) as conn:
        yield conn
