"""Exchange rates and closes as they were believed: a correction never replaces, and says who made it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from click.testing import CliRunner

from coinsphere.cli.main import cli
from coinsphere.portfolio.valuation import rate_revisions, reference_rate_seed, reference_rates
from coinsphere.portfolio.valuation.reference_rates import Rate
from coinsphere.portfolio.valuation.stored_market import StoredMarket

DAY = date(2026, 3, 6)
EARLY = datetime(2026, 1, 1, tzinfo=UTC)


def now(conn) -> datetime:
    return conn.execute("select clock_timestamp()").fetchone()[0]


def bring(conn, per_euro: str | None) -> datetime:
    """Store the bank's rate of dollars, or take it away; the moment after."""
    if per_euro is None:
        conn.execute("delete from market.exchange_rates where currency = 'USD'")
    else:
        reference_rates.store(conn, [Rate("USD", DAY, Decimal(per_euro))])
    return now(conn)


@pytest.fixture
def moments(pipeline) -> list[datetime]:
    """Before the first rate, after it, after its correction, after the same again, and after its removal."""
    return [now(pipeline)] + [bring(pipeline, each) for each in ("1.25", "1.6", "1.6", None)]


def test_each_moment_has_the_rate_that_was_believed_then(pipeline, moments) -> None:
    markets = [StoredMarket(pipeline, moment) for moment in moments]
    believed = [None, Decimal("0.8"), Decimal("0.625"), Decimal("0.625"), None]
    assert [market.per_dollar("EUR", DAY) for market in markets] == believed
    assert [market.now_per_dollar("EUR", DAY) for market in markets] == believed
    assert StoredMarket(pipeline).per_dollar("EUR", DAY) is None


def test_at_every_instant_a_rate_is_one(pipeline, moments) -> None:
    edges = pipeline.execute(
        "select believed_from from market.rate_revisions union select believed_until from market.rate_revisions"
    ).fetchall()
    assert len(edges) == 3
    for (edge,) in edges:
        for moment in (edge - timedelta(microseconds=1), edge):
            known = pipeline.execute("select * from market.rates_known('USD', %s)", [moment])
            assert known.rowcount <= 1


def test_what_changed_is_told_with_who_and_why(pipeline, moments) -> None:
    found = rate_revisions.listed(pipeline, 10, since=EARLY)
    assert [(r.currency, r.day, r.was, r.became, r.revised_by, r.reason) for r in found] == [
        ("USD", DAY, Decimal("1.6"), None, "coinsphere_pipeline", "removed"),
        ("USD", DAY, Decimal("1.25"), Decimal("1.6"), "ecb", "corrected by its source"),
    ]
    assert rate_revisions.listed(pipeline, 10, since=EARLY, currency="GBP") == []


def test_what_another_source_confirms_is_known_since_it_was_first_told(pipeline) -> None:
    seeded = Rate("USD", DAY, Decimal("1.25"))
    reference_rates.fill(pipeline, [seeded], reference_rate_seed.SEED)
    moment = now(pipeline)
    assert reference_rates.store(pipeline, [seeded]) == 1
    assert rate_revisions.listed(pipeline, 10, since=EARLY) == []
    assert StoredMarket(pipeline, moment).per_dollar("EUR", DAY) == Decimal("0.8")
    reference_rates.store(pipeline, [seeded._replace(per_euro=Decimal(2))])
    (only,) = rate_revisions.listed(pipeline, 10, since=EARLY)
    assert (only.was, only.became, only.source) == (Decimal("1.25"), Decimal(2), "ecb")


@pytest.mark.usefixtures("moments")
def test_the_command_lists_them(pipeline, database) -> None:
    variables = {
        "COINSPHERE_DATABASE_URL": database.owner,
        "COINSPHERE_PIPELINE_DATABASE_URL": database.pipeline,
        "COLUMNS": "200",
    }
    bring(pipeline, "1.5")
    for symbol in ([], ["usd"]):
        done = CliRunner().invoke(cli, ["market", "revisions", *symbol], env=variables)
        assert done.exit_code == 0, done.output
        assert "1.25 (ecb)" in done.output
        assert "corrected by its source" in done.output
    none = CliRunner().invoke(cli, ["market", "revisions", "BTC"], env=variables)
    assert "No final candle and no exchange rate changed" in none.output
    assert CliRunner().invoke(cli, ["market", "revisions", "ZZZ"], env=variables).exit_code == 1
