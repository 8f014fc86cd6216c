"""The embedded PostgreSQL's start, and its refusals, in words that say what to do."""

import subprocess
import time
from pathlib import Path

import pytest
from rich.console import Console

from coinsphere.cli.progress import ConsoleProgress
from coinsphere.db.provisioning import LOGIN_ROLES
from coinsphere.errors import LocalServiceError
from coinsphere.local import postgres, system
from coinsphere.local.postgres import SUPERUSER, PostgresServer
from coinsphere.settings import Settings
from tests.conftest import free_port


def test_a_folder_of_another_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    data = tmp_path / "postgres"
    data.mkdir()
    (data / "PG_VERSION").write_text("15\n")
    server = PostgresServer(data, 5433, dict.fromkeys((SUPERUSER, *LOGIN_ROLES), "x"))
    with pytest.raises(LocalServiceError) as caught:
        server.initialise()
    assert f"made by PostgreSQL 15, the installed one is {postgres.version()}" in str(caught.value)
    assert "pg_dump" in str(caught.value)
    assert [each.name for each in data.iterdir()] == ["PG_VERSION"]


def test_what_a_program_says_becomes_the_error(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "something").write_text("")
    server = PostgresServer(data, 5433, dict.fromkeys((SUPERUSER, *LOGIN_ROLES), "x"))
    with pytest.raises(LocalServiceError, match=r"initdb failed: .*exists but is not empty"):
        server.initialise()
    assert not data.with_name("data.password").exists(), "the password file is gone"


def _server(data: Path) -> PostgresServer:
    return PostgresServer(
        data, free_port(), dict.fromkeys((SUPERUSER, *LOGIN_ROLES), "x"), durable=False
    )


def test_one_that_recovers_is_waited_for(tmp_path: Path) -> None:
    """As behind a crash of a busy one on a slow disk, or over a backup: it refuses, and will not for ever."""
    server = _server(tmp_path / "data")
    server.initialise()
    (server.data / "recovery.signal").touch()
    slow = ("-c", "restore_command=sleep 1; false", "-c", "hot_standby=off")
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen([*server.command(), *slow], stdout=log, stderr=log) as process,
    ):
        began = time.monotonic()
        try:
            server.wait_until_ready(seconds=1.0)
            took = time.monotonic() - began
            server.provision()
        finally:
            process.terminate()
    assert took > 1.5, "it recovered longer than it may be silent"
    assert "starting archive recovery" in (tmp_path / "log").read_text()


def test_one_that_never_answers_is_given_up(tmp_path: Path) -> None:
    server = _server(tmp_path / "data")
    looks: list[float] = []
    with pytest.raises(LocalServiceError, match=f"does not answer on port {server.port}"):
        server.wait_until_ready(lambda: looks.append(time.monotonic()), seconds=0.5)
    assert looks[-1] - looks[0] < 5.0


def test_one_that_ends_as_it_starts_is_told_at_once_with_what_it_said(tmp_path, monkeypatch):
    """Not after the ten minutes that one may be silent."""
    monkeypatch.setenv("COINSPHERE_HOME", str(tmp_path / "s"))
    for name in Settings.model_fields:
        if name.endswith("_port"):
            monkeypatch.setenv(f"COINSPHERE_{name.upper()}", str(free_port()))
    chosen, progress = Settings.from_env(), ConsoleProgress(Console(quiet=True))
    with system.servers_alone(chosen, progress):
        pass
    (chosen.state / "postgres" / "global" / "pg_control").unlink()
    with (
        pytest.raises(
            LocalServiceError, match=r"(?s)postgres does not start.*could not .*pg_control"
        ),
        system.servers_alone(chosen, progress),
    ):
        pass
