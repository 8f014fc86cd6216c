"""Rows that were refused on arrival: used after all by whom they convince, or confirmed to be wrong."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from click.testing import CliRunner

from coinsphere.cli.main import cli
from coinsphere.market.candles import store as candle_store
from coinsphere.market.model import Candle, Interval, Quote
from coinsphere.market.quality import quarantine, quarantine_review
from coinsphere.market.quality.quarantine import Rejected
from coinsphere.market.quotes import store as quote_store

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = datetime(2026, 3, 2, tzinfo=UTC)
BY = ("administrator ada", "seen in all markets", NOW)


@pytest.fixture
def token_id(owner):
    owner.execute("insert into market.origin (source) values ('live')")
    (found,) = owner.execute("select id from market.tokens where symbol = 'BTC'").fetchone()
    return found


def candle(token_id, price, *, at=DAY):
    price = Decimal(price)
    numbers = [price] * 4
    return Candle(
        token_id, Interval.DAY, at, *numbers, None, "kraken", is_final=True, observed_at=NOW
    )


def refuse(conn, *rows):
    quarantine.store(
        conn, [candle_store.rejected(row, "contradicts", row.token_id) for row in rows]
    )
    return [row.id for row in reversed(quarantine_review.rows(conn))]


def stored(owner):
    rows = owner.execute("select close::float8, quality from market.price_data order by opened_at")
    return rows.fetchall()


def test_a_candle_is_used_after_all_and_takes_the_place_of_another(owner, pipeline, token_id):
    candle_store.load(pipeline, [candle(token_id, 100)], lambda: NOW)
    ids = refuse(pipeline, candle(token_id, 4), candle(token_id, 5, at=DAY + timedelta(days=1)))

    assert quarantine_review.release(pipeline, ids, *BY) == 2
    assert stored(owner) == [(4, "confirmed"), (5, "confirmed")]
    assert owner.execute("select close::float8 from market.price_revisions").fetchall() == [(100,)]
    assert quarantine_review.rows(pipeline) == []
    told = {
        (row.resolution, row.resolved_by, row.resolution_reason)
        for row in quarantine_review.rows(pipeline, past=True)
    }
    assert told == {("accepted", *BY[:2])}
    assert quarantine_review.release(pipeline, ids, *BY) == 0
    # The suite of candles believes it, too.
    vouched = owner.execute(
        "select about, state, changed_by from market.set_aside order by about"
    ).fetchall()
    assert vouched == [(at, "released", BY[0]) for at in (DAY, DAY + timedelta(days=1))]


def test_a_candle_of_a_month_without_a_partition_finds_its_place(owner, pipeline, token_id):
    (row,) = refuse(pipeline, candle(token_id, 4, at=datetime(2013, 5, 4, tzinfo=UTC)))
    assert quarantine_review.release(pipeline, [row], *BY) == 1
    assert stored(owner) == [(4, "confirmed")]


@pytest.mark.parametrize(
    ("payload", "kind", "says"),
    [
        ({"answer": "<html>"}, "candle", "cannot be read as a candle"),
        ({"file": "x.csv", "line": "3", "row": "a,b"}, "candle", "cannot be read as a candle"),
        ({"price": "0"}, "quote", "not a positive number"),
        ({"price": "x"}, "quote", "cannot be read as a quote"),
        ({"market_cap_rank": "-1"}, "metadata", "its source tells again"),
    ],
)
def test_what_is_wrong_by_itself_cannot_be_used_and_nothing_beside_it(  # noqa: PLR0917 - fixtures
    owner, pipeline, token_id, payload, kind, says
):
    (good,) = refuse(pipeline, candle(token_id, 4))
    quarantine.store(pipeline, [Rejected(token_id, kind, "kraken", "nonsense", payload)])
    ids = [good, quarantine_review.rows(pipeline)[0].id]

    with pytest.raises(quarantine_review.CannotBeUsed, match=says):
        quarantine_review.release(pipeline, ids, *BY)
    assert stored(owner) == []
    assert len(quarantine_review.rows(pipeline)) == 2
    assert quarantine_review.remove(pipeline, ids, *BY) == 2
    assert quarantine_review.waiting(pipeline) == []


def test_a_candle_of_the_future_or_of_no_token_waits(pipeline, token_id):
    (ahead,) = refuse(pipeline, candle(token_id, 4, at=DAY + timedelta(days=30)))
    with pytest.raises(quarantine_review.CannotBeUsed, match="opens in the future"):
        quarantine_review.release(pipeline, [ahead], *BY)
    lost = Rejected(None, "candle", "kraken", "no such token is known", {})
    quarantine.store(pipeline, [lost])
    with pytest.raises(quarantine_review.CannotBeUsed, match="no token that is known"):
        quarantine_review.release(pipeline, [quarantine_review.rows(pipeline)[0].id], *BY)


def test_quotes_go_on_from_one_that_a_person_believes(owner, pipeline, token_id):
    def offered(price, minutes):
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        quote = Quote(token_id, Decimal(price), None, None, None, "kraken", at)
        return quote_store.store(pipeline, [quote], at)

    assert offered(100, -60).written == 1
    assert offered(3, -30).quarantined == 1
    ids = [quarantine_review.rows(pipeline)[0].id]
    assert quarantine_review.release(pipeline, ids, *BY[:2], datetime.now(UTC)) == 1
    price = "select price::float8 from market.quotes where token_id = %s"
    assert owner.execute(price, [token_id]).fetchone() == (3,)
    assert offered(Decimal("2.9"), 1).written == 1
    assert owner.execute(price, [token_id]).fetchone() == (2.9,)


def test_the_commands_list_use_and_confirm(  # noqa: PLR0917 - fixtures
    owner, pipeline, database, token_id, tmp_path, monkeypatch
):
    (good,) = refuse(pipeline, candle(token_id, 4))
    (wrong,) = {*refuse(pipeline, candle(token_id, 0))} - {good}
    variables = {
        "COINSPHERE_HOME": str(tmp_path),
        "COINSPHERE_DATABASE_URL": database.owner,
        "COINSPHERE_PIPELINE_DATABASE_URL": database.pipeline,
        "COLUMNS": "400",
    }
    monkeypatch.chdir(tmp_path)

    def run(*words):
        done = CliRunner().invoke(cli, ["market", *words], env=variables)
        return done.exit_code, done.output

    code, output = run("quarantine", "--refused", "btc")
    assert (code, output.count("kraken")) == (0, 2)
    code, output = run("release", "--refused", "BTC", "--reason", "seen")
    assert (code, "open is zero" in output) == (1, True)
    assert stored(owner) == []
    assert run("release", "--refused", str(good), "--reason", "seen")[0] == 0
    assert stored(owner) == [(4, "confirmed")]
    assert run("remove", "--refused", str(wrong), "--reason", "zero")[0] == 0
    code, output = run("remove", "--refused", str(wrong), "--reason", "zero")
    assert (code, "can be removed" in output) == (1, True)
    code, output = run("quarantine", "--refused")
    assert (code, "No refused row waits" in output) == (0, True)
    assert "accepted by operator" in run("quarantine", "--refused", "--all")[1]
