"""`coinsphere exchanges …`: what it shows, what it starts, and what it says when that cannot be."""

import json

import pytest
from click.testing import CliRunner

from coinsphere.cli.main import cli
from coinsphere.exchanges.sync import syncs
from tests.conftest import free_port
from tests.fakes import exchange_kraken
from tests.integration.exchanges.conftest import at

UNKNOWN = "7b0a6d1e-1d0f-4f5a-8a55-000000000000"


@pytest.fixture
def command(database, tmp_path, monkeypatch):
    """The command in the role of the worker."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COINSPHERE_DATABASE_URL", database.worker)
    # A narrow terminal would cut what is looked for.
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: object):
        return CliRunner().invoke(cli, ["exchanges", *map(str, words)])

    return run


@pytest.fixture
def connection_id(world, kraken):
    """An account that was read once: one record is booked, two are not."""
    kraken.ledger = {
        "L1": exchange_kraken.entry("deposit", "XXBT", "0.5", at(90) / 1000),
        "L2": exchange_kraken.entry("deposit", "XTZ", "3", at(80) / 1000),
        "L3": exchange_kraken.entry("deposit", "XTZ", "4", at(70) / 1000),
    }
    made = world.connect(kraken)
    world.sync(made)
    return made


def test_list_shows_each_connection_and_no_key(command, world, connection_id, kraken):
    world.owner.execute("update app.exchange_connections set last_error = '[red] kraken is away'")
    (row,) = json.loads(command("list", "--json").output)
    assert row == {
        "id": str(connection_id), "exchange": "kraken", "status": "active", "lastSyncedAt": "2024-06-01T12:00:00Z",
        "lastError": "[red] kraken is away", "unbooked": 2,
    }  # fmt: skip
    shown = command("list").output
    for part in (
        str(connection_id),
        "kraken",
        "active",
        "2024-06-01 12:00",
        "2",
        "[red] kraken is away",
    ):
        assert part in shown
    for secret in (kraken.key, kraken.secret):
        assert secret not in shown + json.dumps(row)


def test_list_of_none_never_synced_and_limited(command, world, kraken, binance):
    assert json.loads(command("list", "--json").output) == []
    world.connect(kraken)
    world.connect(binance)
    assert "never" in command("list").output
    assert len(json.loads(command("list", "--json", "--limit", 1).output)) == 1
    refused = command("list", "--limit", 0)
    assert refused.exit_code == 2
    assert "not in the range" in refused.output


def test_unbooked_tells_each_reason_and_how_often(command, connection_id):
    assert (
        command("unbooked").output
        == "       2  kraken: token: no token has the symbol 'XTZ' (like L2)\n"
    )


def test_sync_writes_a_job_once(command, world, connection_id):
    result = command("sync", connection_id)
    assert result.exit_code == 0
    (job_id,) = world.owner.execute(
        "select id from app.exchange_syncs where status = 'queued'"
    ).fetchone()
    assert result.output == f"Job {job_id}\n"
    assert command("sync", connection_id).output == result.output
    queued = "select args ->> 'sync_id' from jobs.procrastinate_jobs where status = 'todo' and task_name = %s"
    assert (str(job_id),) in world.owner.execute(queued, [syncs.TASK]).fetchall()


def test_sync_of_an_unknown_or_stopped_account_says_where_to_look(command, world, connection_id):
    world.owner.execute("update app.exchange_connections set status = 'invalid_key'")
    for which in (UNKNOWN, connection_id):
        result = command("sync", which)
        assert result.exit_code == 1
        assert result.output == (
            f"Error: There is no active connection {which}; `coinsphere exchanges list` shows what there is.\n"
        )
    result = command("sync", "kraken")
    assert result.exit_code == 2
    assert "'kraken' is not a valid UUID" in result.output


@pytest.mark.parametrize("words", [("list",), ("unbooked",), ("sync", UNKNOWN)])
def test_a_database_that_is_away_is_told_with_what_to_do(command, monkeypatch, words):
    monkeypatch.setenv("COINSPHERE_DATABASE_URL", f"postgresql://x:y@127.0.0.1:{free_port()}/x")
    result = command(*words)
    assert result.exit_code == 1
    assert "coinsphere up" in result.output
    assert "Traceback" not in result.output
