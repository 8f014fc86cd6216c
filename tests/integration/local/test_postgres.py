"""The embedded PostgreSQL's refusals, in words that say what to do."""

from pathlib import Path

import pytest

from coinsphere.db.provisioning import LOGIN_ROLES
from coinsphere.errors import LocalServiceError
from coinsphere.local import postgres
from coinsphere.local.postgres import SUPERUSER, PostgresServer


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
