"""`coinsphere db`: upgrade, seed and status, as a person meets them."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from coinsphere.cli.main import cli
from coinsphere.db import catalogue, migrate

Run = Callable[..., Result]


@pytest.fixture
def run(database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `coinsphere db …` on the test's database, from a folder without settings."""
    monkeypatch.chdir(tmp_path)
    variables = {
        "COINSPHERE_HOME": str(tmp_path),
        "COINSPHERE_DATABASE_URL": database.owner,
        "COLUMNS": "120",
    }
    return lambda *words, **changes: CliRunner().invoke(
        cli, ["db", *words], env=variables | changes
    )


def test_upgrade_brings_an_old_schema_up_and_says_so(run: Run, database) -> None:
    migrate.downgrade(database.owner, "base")
    assert "run `coinsphere db upgrade`" in run("seed").output
    behind = run("status")
    assert "Schema: revision none, this version needs" in behind.output
    newest = migrate.revisions()[-1]
    assert run("upgrade").output == f"The schema went from revision none to {newest}.\n"
    assert run("upgrade").output == f"The schema is at revision {newest} already.\n"
    assert run("seed").output == "47 tokens, events and protocols added.\n"
    assert run("seed").output == "All seeds are there already.\n"


def test_status_shows_the_storage_and_the_sizes(run: Run, owner: psycopg.Connection) -> None:
    owner.execute("select market.ensure_price_partitions('2024-01-01', '2024-03-01')")
    owner.execute("analyze market.tokens")
    output = run("status").output
    assert f"Schema: revision {migrate.revisions()[-1]}, current." in output
    if owner.execute("select from pg_extension where extname = 'timescaledb'").fetchone():
        assert "market.price_data: a TimescaleDB hypertable" in output
        return
    assert "market.price_data: natively partitioned by month, 4 partitions." in output
    (line,) = [line for line in output.splitlines() if "market.tokens " in line]
    assert "34" in line
    assert "price_data_202401" not in output
    assert catalogue.price_storage(owner) == catalogue.PriceStorage("partitions", 4)


def test_a_server_that_is_away_is_said_without_a_stack(run: Run) -> None:
    url = "postgresql://coinsphere_owner:secret-word@127.0.0.1:9/coinsphere"
    for command in ("upgrade", "seed", "status"):
        result = run(command, COINSPHERE_DATABASE_URL=url)
        assert result.exit_code == 1
        assert "The database cannot be reached" in result.output
        assert "secret-word" not in result.output


def test_without_a_database_it_says_what_to_do(run: Run) -> None:
    result = run("status", COINSPHERE_DATABASE_URL="")
    assert "start them with `coinsphere up`" in result.output
