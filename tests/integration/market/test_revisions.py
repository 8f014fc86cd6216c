"""A candle that is corrected, judged and removed: what was believed at each moment can be told, and who changed it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from click.testing import CliRunner

from coinsphere.cli.main import cli
from coinsphere.clock import DAY
from coinsphere.market import prices
from coinsphere.market.candles import revisions
from coinsphere.market.candles import store as candle_store
from coinsphere.market.model import Candle, Interval

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
OPENED = NOW.replace(hour=0, minute=0) - 2 * DAY
CLOSED = OPENED + DAY
pytestmark = pytest.mark.usefixtures("real")


def known_at(conn):
    return conn.execute("select clock_timestamp()").fetchone()[0]


@pytest.fixture
def history(pipeline, owner, tokens):
    """The moments before and after each change of one candle: stored, corrected, doubted, removed."""
    (btc,) = tokens("BTC")
    moments = [known_at(pipeline)]
    for close in ("11", "11.5"):
        candle = Candle(
            btc.id,
            Interval.DAY,
            OPENED,
            *map(Decimal, ("10", "12", "9", close)),
            volume=Decimal(5),
            source="kraken",
            is_final=True,
            observed_at=NOW,
        )
        candle_store.load(pipeline, [candle], lambda: NOW)
        moments.append(known_at(pipeline))
    owner.execute(
        "insert into set_aside (token_id, scope, about, rule, reason, evidence, since, changed_at, changed_by)"
        " values (%s, 'candle', %s, 'a_rule', 'odd', '{}', now(), now(), 'check')",
        [btc.id, OPENED],
    )
    pipeline.execute("select market.follow_set_aside(now())")
    moments.append(known_at(pipeline))
    pipeline.execute("delete from price_data where token_id = %s", [btc.id])
    moments.append(known_at(pipeline))
    return btc, moments


def test_each_moment_has_what_was_believed_then(history, pipeline):
    btc, (nothing, first, corrected, doubted, removed) = history
    believed = [
        found.price if (found := prices.at(pipeline, btc.id, CLOSED, as_of)) else None
        for as_of in (nothing, first, corrected, doubted, removed, None)
    ]
    assert believed == [None, 11, Decimal("11.5"), None, None, None]
    # A price of an instant at which the candle was still open is another's.
    assert prices.at(pipeline, btc.id, CLOSED - timedelta(hours=1), first) is None


def test_what_changed_is_told_with_who_and_why(history, pipeline):
    found = revisions.listed(pipeline, 10)
    assert [(r.was, r.was_judged, r.became, r.revised_by, r.reason) for r in found] == [
        (Decimal("11.5"), "suspect", None, "coinsphere_pipeline", "removed"),
        (Decimal("11.5"), "ok", Decimal("11.5"), "coinsphere_pipeline", "judged suspect"),
        (11, "ok", Decimal("11.5"), "kraken", "corrected by its source"),
    ]
    assert all(r.believed_from < r.believed_until for r in found)
    btc, (*_, doubted, _) = history
    assert len(revisions.listed(pipeline, 10, token_id=btc.id, since=doubted)) == 1


@pytest.mark.usefixtures("real", "history")
def test_the_command_shows_them(database):
    variables = {
        "COINSPHERE_DATABASE_URL": database.owner,
        "COINSPHERE_PIPELINE_DATABASE_URL": database.pipeline,
        "COLUMNS": "200",
    }
    done = CliRunner().invoke(cli, ["market", "revisions", "BTC"], env=variables)
    assert done.exit_code == 0, done.output
    assert "corrected by its source" in done.output
    assert CliRunner().invoke(cli, ["market", "revisions", "NOPE"], env=variables).exit_code == 1
