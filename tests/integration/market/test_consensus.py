"""From venues over HTTP, or simulated ones, into the tables, by the pipeline's role: what is agreed on and what is kept."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from coinsphere.clock import DAY, HOUR
from coinsphere.market import ingest, prices
from coinsphere.market.consensus import store as consensus_store
from coinsphere.market.consensus.model import Rules, State
from coinsphere.market.reference import tokens as token_store
from coinsphere.market.sources.simulated import SimulatedMarket

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ALL = ("binance", "coinbase", "kraken", "kucoin")


@pytest.fixture
def world(outside):
    """Bitcoin at four venues: two in dollars, two in a stablecoin that costs 0.98 of them."""
    outside.listed["coinbase"] += ["USDT-USD"]
    outside.price = "100"
    outside.prices = {
        "coinbase USDT-USD": "0.98",
        "binance BTC-USDT": "102.04",
        "kucoin BTC-USDT": "102.05",
        "kraken BTC-USD": "100.01",
    }
    return outside


def quoted(conn, symbol):
    return conn.execute(
        "select q.price, q.source, q.observed_at from quotes q join tokens t on t.id = q.token_id where symbol = %s",
        [symbol],
    ).fetchone()


@pytest.mark.usefixtures("real")
class TestLive:
    def test_venues_in_two_currencies_agree_and_each_is_kept(
        self, world, live_market, tokens, pipeline
    ):
        btc, usdt = tokens("BTC", "USDT")
        report = ingest.refresh_quotes(pipeline, live_market(*ALL), [btc, usdt], NOW)
        assert (report.received, report.written, report.quarantined) == (5, 2, 0)
        price, source, at = quoted(pipeline, "BTC")
        assert abs(price - 100) < Decimal("0.02")
        assert (source, at) == ("consensus", NOW)
        found = prices.at(pipeline, btc.id, NOW + HOUR)
        assert (found.state, found.venues, found.price) == (State.OK, 4, price)
        parts = {part.quote.venue: part for part in found.constituents}
        assert parts["binance"].rate == Decimal("0.98")
        assert parts["binance"].quote.price == Decimal("102.04")
        assert abs(sum(part.weight for part in parts.values()) - 1) < Decimal("0.001")

    def test_a_venue_that_lies_is_outvoted_and_kept_once_for_a_person_to_see(
        self, world, live_market, tokens, pipeline
    ):
        btc, usdt = tokens("BTC", "USDT")
        world.prices["kraken BTC-USD"] = "130"
        market = live_market(*ALL)
        for minute in range(3):
            ingest.refresh_quotes(pipeline, market, [btc, usdt], NOW + minute * MINUTE)
        assert abs(quoted(pipeline, "BTC")[0] - 100) < Decimal("0.02")
        reasons = pipeline.execute("select source, payload->>'price' from quarantine").fetchall()
        assert reasons == [("kraken", "130")]
        newest = prices.at(pipeline, btc.id, NOW + HOUR)
        (kraken,) = [part for part in newest.constituents if part.quote.venue == "kraken"]
        assert (kraken.is_barred, kraken.weight) == (True, 0)

    def test_a_venue_that_fails_takes_nothing_from_the_others(
        self, world, live_market, tokens, pipeline
    ):
        world.fail("/kraken/", status=503)
        world.fail("/kucoin/", body=b"<html>")
        btc, usdt = tokens("BTC", "USDT")
        report = ingest.refresh_quotes(pipeline, live_market(*ALL), [btc, usdt], NOW)
        assert {problem.code for problem in report.errors} >= {"unavailable", "bad_payload"}
        found = prices.at(pipeline, btc.id, NOW)
        assert (found.state, found.venues) == (State.THIN, 2)

    def test_a_crash_to_a_twentieth_that_is_real_is_believed(
        self, world, live_market, tokens, pipeline
    ):
        """The guard against the last value alone would have refused it for days."""
        btc, usdt = tokens("BTC", "USDT")
        market = live_market(*ALL)
        ingest.refresh_quotes(pipeline, market, [btc, usdt], NOW)
        world.price = "5"
        world.prices = {"coinbase USDT-USD": "1", "coinbase BTC-USD": "5.001"}
        ingest.refresh_quotes(pipeline, market, [btc, usdt], NOW + MINUTE)
        assert quoted(pipeline, "BTC")[0] == pytest.approx(Decimal(5), abs=Decimal("0.01"))

    def test_why_there_is_no_price_is_told(self, world, live_market, tokens, pipeline):
        world.fail("/coingecko/", status=503)
        world.listed["coinbase"] = []
        report = ingest.refresh_quotes(pipeline, live_market("binance"), tokens("BTC"), NOW)
        assert "BTC: binance: no rate from USDT to US dollars" in str(report.errors[-1])
        assert quoted(pipeline, "BTC") is None

    def test_nobody_answers(self, world, live_market, tokens, pipeline):
        btc, usdt = tokens("BTC", "USDT")
        market = live_market(*ALL)
        ingest.refresh_quotes(pipeline, market, [btc, usdt], NOW)
        before = quoted(pipeline, "BTC")
        world.fail("/", status=503)
        with pytest.raises(Exception, match=r"coinbase|binance|kraken|kucoin|coingecko"):
            ingest.refresh_quotes(pipeline, market, [btc, usdt], NOW + MINUTE)
        assert quoted(pipeline, "BTC") == before


def test_the_simulated_market_has_venues_that_agree(owner, pipeline):
    owner.execute("insert into market.origin (source, seed) values ('simulated', 7)")
    tokens = token_store.active(pipeline)
    for minute in range(2):
        now = NOW + minute * MINUTE
        market = SimulatedMarket(7, lambda now=now: now)
        report = ingest.refresh_quotes(pipeline, market, tokens, now)
        assert report.errors == []
        true = {quote.token_id: quote.price for quote in market.quotes(tokens)}
    states = pipeline.execute("select distinct state, venues from consensus").fetchall()
    assert states == [("ok", 5)]
    stored = dict(pipeline.execute("select token_id, price from quotes").fetchall())
    assert len(stored) == len(tokens)
    assert max(abs(stored[token.id] / true[token.id] - 1) for token in tokens) < Decimal("0.002")
    assert pipeline.execute("select distinct source from quotes").fetchall() == [("simulated",)]
    currencies = pipeline.execute(
        "select distinct part->>'currency' from consensus, jsonb_array_elements(constituents) part"
    )
    assert {currency for (currency,) in currencies} == {"USD", "USDT", "USDC"}


class TestKept:
    def test_what_was_agreed_on_is_never_changed(self, pipeline):
        for statement in ("update consensus set price = 1", "delete from consensus"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                pipeline.execute(statement)

    def test_old_minutes_go_and_the_first_of_each_hour_stays(self, owner, pipeline, tokens):
        (btc,) = tokens("BTC")
        owner.execute(
            """
            insert into consensus
                (token_id, valid_at, price, agreed_at, state, venues, usual_move, method, constituents)
            select %s, d, 1, d, 'ok', 3, 0, 1, '[]'
            from generate_series(%s::timestamptz, %s, '1 minute') d
            """,
            [btc.id, NOW - 40 * DAY, NOW - 40 * DAY + 2 * HOUR],
        )
        assert consensus_store.forget(pipeline, NOW, 30 * DAY) == 118
        left = pipeline.execute("select valid_at from consensus order by 1").fetchall()
        assert [moment.minute for (moment,) in left] == [30, 0, 0]
        with pytest.raises(psycopg.errors.CheckViolation):
            consensus_store.forget(pipeline, datetime.now(UTC), DAY)


def test_before_venues_were_asked_the_close_of_a_candle_is_the_price(owner, pipeline, tokens):
    (btc,) = tokens("BTC")
    owner.execute(
        """
        insert into price_data (token_id, interval, opened_at, open, high, low, close, source, is_final, observed_at)
        select %s, i, %s::timestamptz - l, 10, 12, 9, c, 'kraken', true, now()
        from (values ('1d', '36 hours'::interval, 11), ('1h', '2 hours', 12)) as v (i, l, c)
        """,
        [btc.id, NOW],
    )
    assert [
        (found.price, found.made_of) if (found := prices.at(pipeline, btc.id, moment)) else None
        for moment in (NOW, NOW - 3 * HOUR, NOW - 2 * DAY)
    ] == [(12, "candle"), (11, "candle"), None]


def test_the_quorum_can_be_set(owner, pipeline, tokens):
    owner.execute("insert into market.origin (source, seed) values ('simulated', 7)")
    market = SimulatedMarket(7, lambda: NOW)
    (btc,) = tokens("BTC")
    ingest.refresh_quotes(pipeline, market, [btc], NOW, Rules(quorum=6))
    assert prices.at(pipeline, btc.id, NOW).state is State.THIN
