"""The table of processes: who reaches which database, and what is left out where servers are named."""

from pathlib import Path

import pytest

from coinsphere.errors import ConfigurationError
from coinsphere.local import processes
from coinsphere.settings import Settings

_NAMED = {
    "COINSPHERE_DATABASE_URL": "postgresql://owner:p@db:5432/coinsphere",
    "COINSPHERE_API_DATABASE_URL": "postgresql://api:p@db:5432/coinsphere",
    "COINSPHERE_PIPELINE_DATABASE_URL": "postgresql://pipeline:p@db:5432/coinsphere",
    "COINSPHERE_WORKER_DATABASE_URL": "postgresql://worker:p@db:5432/coinsphere",
    "COINSPHERE_READONLY_DATABASE_URL": "postgresql://readonly:p@db:5432/coinsphere",
    "COINSPHERE_DAGSTER_DATABASE_URL": "postgresql://dagster:p@db:5432/dagster",
    "COINSPHERE_MLFLOW_DATABASE_URL": "postgresql://mlflow:p@db:5432/mlflow",
    "COINSPHERE_REDIS_URL": "redis://cache:6379/0",
}


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that name every server, as an installation with its own database has them."""
    for name, value in {**_NAMED, "COINSPHERE_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    return Settings.from_env()


def test_named_servers_are_not_started(named: Settings) -> None:
    names = [process.name for process in processes.table(named)]
    assert "postgres" not in names
    assert "redis" not in names
    assert {"api", "ml", "dagster-daemon", "worker", "stream"} <= set(names)


def test_embedded_servers_start_before_all_that_need_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COINSPHERE_HOME", str(tmp_path))
    settings = Settings.from_env({**_NAMED, "COINSPHERE_HOME": str(tmp_path)})
    names = [process.name for process in processes.table(settings)]
    assert names[:2] == ["postgres", "redis"]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("api", "api"),
        ("stream", "api"),
        ("ml", "readonly"),
        ("worker", "worker"),
        ("dagster-code", "pipeline"),
    ],
)
def test_each_process_reaches_the_database_in_its_own_role(
    named: Settings, name: str, role: str
) -> None:
    process = next(each for each in processes.table(named) if each.name == name)
    url = processes.variables(process, named)["COINSPHERE_DATABASE_URL"]
    assert url == f"postgresql://{role}:p@db:5432/coinsphere"


def test_dagster_is_given_the_only_driver_that_it_works_with(named: Settings) -> None:
    url = processes.dagster_environment(named)["DAGSTER_POSTGRES_URL"]
    assert url == "postgresql+psycopg2://dagster:p@db:5432/dagster"


def test_a_missing_database_of_dagster_is_named(tmp_path: Path) -> None:
    settings = Settings.from_env(
        {"COINSPHERE_HOME": str(tmp_path), "COINSPHERE_DATABASE_URL": "postgresql://u:p@db/x"}
    )
    with pytest.raises(ConfigurationError, match="COINSPHERE_DAGSTER_DATABASE_URL"):
        processes.dagster_environment(settings)


def test_no_command_line_shows_a_password(named: Settings) -> None:
    words = [word for process in processes.table(named) for word in process.command]
    assert words
    assert [word for word in words if ":p@" in word] == []
