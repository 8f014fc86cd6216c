"""`coinsphere market doubt`: a price that a person doubts is used by nothing until a newer one comes."""

from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
from click.testing import CliRunner, Result

from coinsphere.cli.main import cli
from coinsphere.market.model import Quote
from coinsphere.market.quotes import store as quote_store
from tests.integration.market.conftest import NOW


@pytest.fixture
def run(database, pipeline, tmp_path, monkeypatch: pytest.MonkeyPatch):
    """Runs `coinsphere market doubt …` on the test's database."""
    monkeypatch.chdir(tmp_path)
    variables = {
        "COINSPHERE_HOME": str(tmp_path),
        "COINSPHERE_DATABASE_URL": database.owner,
        "COINSPHERE_PIPELINE_DATABASE_URL": database.pipeline,
        "COLUMNS": "250",
    }

    pipeline.execute("insert into market.origin (source) values ('live')")

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(cli, ["market", "doubt", *words], env=variables)

    return invoke


def quality(conn: psycopg.Connection) -> str:
    (found,) = conn.execute("select quality from market.quotes").fetchone()
    return found


def test_a_doubted_price_is_suspect_with_its_reason_until_a_newer_one_comes(
    run, pipeline: psycopg.Connection, tokens
) -> None:
    (btc,) = tokens("BTC")
    first = Quote(btc.id, Decimal(100), None, None, None, "binance", NOW)
    quote_store.store(pipeline, [first], NOW)
    done = run("btc", "--reason", "a market without trades")
    assert done.exit_code == 0, done.output
    assert "BTC: 100 US dollars of binance" in done.output.replace("100.000000000000000000", "100")
    assert quality(pipeline) == "suspect"
    kept = pipeline.execute("select reason, payload->>'price' from quarantine").fetchone()
    assert (kept[0], Decimal(kept[1])) == ("doubted by hand: a market without trades", 100)
    assert run("BTC", "--reason", "again").exit_code == 1

    quote_store.store(pipeline, [first], NOW)
    assert quality(pipeline) == "suspect"  # the same price again is no newer one
    later = Quote(btc.id, Decimal(101), None, None, None, "binance", NOW + timedelta(minutes=1))
    quote_store.store(pipeline, [later], NOW + timedelta(minutes=1))
    assert quality(pipeline) == "ok"


def test_a_doubt_can_be_taken_back_and_needs_a_reason_and_a_token(
    run, pipeline: psycopg.Connection, tokens
) -> None:
    (btc,) = tokens("BTC")
    quote_store.store(
        pipeline, [Quote(btc.id, Decimal(100), None, None, None, "binance", NOW)], NOW
    )
    assert run("BTC").exit_code == 2
    assert run("BTC", "--reason", " ").exit_code == 2
    assert "No token has the symbol" in run("NOPE", "--reason", "x").output
    assert run("BTC", "--believe").exit_code == 1
    assert quality(pipeline) == "ok"
    assert run("BTC", "--reason", "x").exit_code == 0
    assert run("BTC", "--believe").exit_code == 0
    assert quality(pipeline) == "ok"
