"""From a source into the tables: what is written, what is kept, what is recorded, and what others do meanwhile."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from coinsphere.clock import DAY
from coinsphere.errors import ConfigurationError, RateLimited, Unavailable
from coinsphere.market import ingest
from coinsphere.market.candles import store as candle_store
from coinsphere.market.model import Candle, Interval, Metadata, Quote, Token
from coinsphere.market.quotes import store as quote_store
from coinsphere.market.sources.files import FilesSource

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
TODAY = NOW.replace(hour=0, minute=0)
pytestmark = pytest.mark.usefixtures("real")


def candle(token: Token, opened_at: datetime = TODAY - DAY, **changes: object) -> Candle:
    usual = {
        "open": Decimal(10),
        "high": Decimal(12),
        "low": Decimal(9),
        "close": Decimal(11),
        "volume": Decimal("0.000000000000000001"),
        "source": "binance",
        "is_final": opened_at + DAY <= NOW,
        "observed_at": NOW,
    }
    return Candle(token.id, Interval.DAY, opened_at, **usual | changes)  # type: ignore[arg-type]


def load(conn: psycopg.Connection, *candles: Candle):
    return candle_store.load(conn, candles, lambda: NOW)


def recorded(conn: psycopg.Connection) -> list[tuple[object, ...]]:
    return conn.execute("""
        select kind, symbol, error_code, rows_received, rows_written, rows_quarantined
        from ingestions i left join tokens t on t.id = i.token_id order by i.id
    """).fetchall()


class TestLoad:
    def test_every_digit_arrives(self, pipeline, tokens):
        (btc,) = tokens("BTC")
        tiny = Decimal("0.000000012345678901")
        load(pipeline, candle(btc, open=tiny, high=Decimal(99999999999999999999), low=tiny))
        row = pipeline.execute("select open, high, volume, source, observed_at from price_data")
        assert row.fetchone() == (
            tiny,
            Decimal(99999999999999999999),
            Decimal("0.000000000000000001"),
            "binance",
            NOW,
        )

    def test_only_what_changed_is_written(self, pipeline, tokens):
        rows = [candle(token, TODAY - n * DAY) for token in tokens("BTC", "ETH") for n in range(5)]
        assert load(pipeline, *rows).written == 10
        before = pipeline.execute("select xmin::text from price_data order by 1").fetchall()
        assert load(pipeline, *rows).written == 0
        assert pipeline.execute("select xmin::text from price_data order by 1").fetchall() == before
        older = candle(tokens("BTC")[0], TODAY - 9 * DAY)
        assert load(pipeline, *rows, older).written == 1

    def test_an_unknown_volume_stays_unknown(self, pipeline, tokens):
        load(pipeline, candle(*tokens("BTC"), volume=None))
        assert pipeline.execute("select volume from price_data").fetchone() == (None,)

    def test_a_final_candle_replaces_the_unfinished_one_and_never_the_other_way(
        self, pipeline, tokens
    ):
        (btc,) = tokens("BTC")
        running = candle(btc, close=Decimal(10), is_final=False)
        final = candle(btc, source="coinbase")
        assert load(pipeline, running).written == 1
        assert load(pipeline, final).written == 1
        assert load(pipeline, running).written == 0
        assert pipeline.execute("select close, is_final from price_data").fetchall() == [(11, True)]
        assert pipeline.execute("select count(*) from price_revisions").fetchone() == (0,)

    def test_both_in_one_batch_leave_the_final_one(self, pipeline, tokens):
        (btc,) = tokens("BTC")
        load(pipeline, candle(btc), candle(btc, close=Decimal(10), is_final=False))
        assert pipeline.execute("select close, is_final from price_data").fetchall() == [(11, True)]

    def test_a_correction_keeps_what_was_believed(self, pipeline, tokens):
        (btc,) = tokens("BTC")
        load(pipeline, candle(btc))
        load(pipeline, candle(btc, close=Decimal("11.5")))
        revision = pipeline.execute(
            "select close, source, believed_from < believed_until from price_revisions"
        ).fetchall()
        assert revision == [(Decimal(11), "binance", True)]
        assert pipeline.execute("select close from price_data").fetchone() == (Decimal("11.5"),)

    def test_another_source_corrects_nothing(self, pipeline, tokens):
        (btc,) = tokens("BTC")
        load(pipeline, candle(btc))
        assert load(pipeline, candle(btc, close=Decimal("11.5"), source="kraken")).written == 0

    def test_nonsense_goes_to_the_quarantine_once(self, pipeline, tokens):
        (btc,) = tokens("BTC")
        wrong = candle(btc, low=Decimal(-1))
        for _ in range(2):
            loaded = load(pipeline, wrong, candle(btc, TODAY + 3 * DAY), candle(btc))
            assert (loaded.received, loaded.quarantined) == (3, 2)
        reasons = pipeline.execute("select reason, payload->>'low' from quarantine order by id")
        assert reasons.fetchall() == [("low is negative", "-1"), ("opens in the future", "9")]
        assert pipeline.execute("select count(*) from price_data").fetchone() == (1,)

    def test_a_month_without_a_partition_gets_one(self, pipeline, tokens):
        load(pipeline, candle(*tokens("BTC"), datetime(2011, 8, 18, tzinfo=UTC)))
        held = pipeline.execute("select tableoid::regclass::text from price_data").fetchone()
        assert held == ("price_data_201108",)

    def test_simulated_rows_meet_no_real_ones(self, pipeline, tokens):
        (btc,) = tokens("BTC")
        with pytest.raises(ConfigurationError, match="never share"):
            load(pipeline, candle(btc), candle(btc, TODAY - 2 * DAY, source="simulated"))
        assert pipeline.execute("select count(*) from price_data").fetchone() == (0,)

    def test_a_source_that_breaks_off_leaves_nothing(self, pipeline, tokens):
        (btc,) = tokens("BTC")

        def broken() -> Iterator[Candle]:
            yield candle(btc)
            raise Unavailable("binance", "gone")

        with pytest.raises(Unavailable):
            candle_store.load(pipeline, broken(), lambda: NOW)
        assert pipeline.execute("select count(*) from price_data").fetchone() == (0,)


class TestGaps:
    def test_each_run_of_missing_days_is_found(self, pipeline, tokens):
        btc, eth = tokens("BTC", "ETH")
        there = [10, 9, 5, 4, 2]
        load(pipeline, *(candle(btc, TODAY - n * DAY) for n in there), candle(eth))
        found = candle_store.gaps(pipeline, Interval.DAY)
        assert [(gap.symbol, gap.first, gap.last, gap.missing) for gap in found] == [
            ("BTC", TODAY - 8 * DAY, TODAY - 6 * DAY, 3),
            ("BTC", TODAY - 3 * DAY, TODAY - 3 * DAY, 1),
        ]
        assert candle_store.gaps(pipeline, Interval.DAY, [eth.id]) == []

    def test_they_are_filled_and_nothing_else_is_asked_for(
        self, pipeline, tokens, live_market, outside
    ):
        (btc,) = tokens("BTC")
        load(pipeline, *(candle(btc, TODAY - n * DAY) for n in (9, 5, 4)))
        report = ingest.backfill_gaps(pipeline, live_market("coinbase"), [btc], Interval.DAY, NOW)
        assert report.written == 3
        assert candle_store.gaps(pipeline, Interval.DAY) == []
        assert outside.count("/candles") == 1


class TestRefresh:
    def test_one_tokens_failure_stops_no_other(self, pipeline, tokens, live_market, outside):
        outside.fail("/coingecko/", status=404)
        three = tokens("BTC", "ATOM", "ETH")
        report = ingest.refresh_candles(
            pipeline, live_market("binance"), three, Interval.DAY, TODAY - 2 * DAY, NOW, NOW
        )
        assert (report.written, [error.code for error in report.errors]) == (6, ["not_listed"])
        assert recorded(pipeline) == [
            ("candles", "BTC", None, 3, 3, 0),
            ("candles", "ATOM", "not_listed", 0, 0, 0),
            ("candles", "ETH", None, 3, 3, 0),
        ]
        unfinished = pipeline.execute("select count(*) from price_data where not is_final")
        assert unfinished.fetchone() == (2,)

    def test_outside_the_window_what_there_is_is_fetched(
        self, pipeline, tokens, live_market, outside
    ):
        outside.fail("/coingecko/", status=404)
        report = ingest.refresh_candles(
            pipeline,
            live_market("kraken"),
            tokens("LTC"),
            Interval.HOUR,
            NOW - 60 * DAY,
            NOW,
            NOW,
        )
        assert report.written == 719
        assert [row[2] for row in recorded(pipeline)] == ["outside_window", None]

    def test_a_provider_that_is_down_keeps_the_last_quote_with_its_age(
        self, pipeline, tokens, live_market, outside
    ):
        (btc,) = tokens("BTC")
        ingest.refresh_quotes(pipeline, live_market("coinbase"), [btc], NOW)
        outside.fail("/", status=503)
        with pytest.raises(Unavailable):
            ingest.refresh_quotes(pipeline, live_market("coinbase"), [btc], NOW + DAY)
        kept = pipeline.execute("select price, observed_at, source from quotes").fetchone()
        assert kept == (Decimal(outside.price), NOW, "consensus")
        assert [row[2] for row in recorded(pipeline)] == [None, "unavailable", "unavailable"]

    def test_rate_limits_of_all_are_raised_with_the_pause(
        self, pipeline, tokens, live_market, outside
    ):
        outside.fail("/", status=429, headers={"Retry-After": "55"})
        with pytest.raises(RateLimited) as caught:
            ingest.refresh_quotes(pipeline, live_market("binance"), tokens("BTC"), NOW)
        assert caught.value.retry_after == 55

    @pytest.mark.parametrize(
        "quote",
        [
            ("-3", "its price is no positive number"),
            ("0", "its price is no positive number"),
            ("1E+30", "past all bounds"),
        ],
    )
    def test_a_nonsense_quote_is_quarantined_and_the_last_one_stays(
        self, pipeline, tokens, live_market, outside, quote
    ):
        price, reason = quote
        (btc,) = tokens("BTC")
        market = live_market("coinbase")
        ingest.refresh_quotes(pipeline, market, [btc], NOW)
        good, outside.price = outside.price, price
        report = ingest.refresh_quotes(pipeline, market, [btc], NOW + timedelta(minutes=1))
        assert report.quarantined == 1
        assert pipeline.execute("select price from quotes").fetchone() == (Decimal(good),)
        (row,) = pipeline.execute("select kind, reason, payload->>'price' from quarantine")
        assert (row[0], row[2]) == ("quote", price)
        assert reason in row[1]

    def test_a_row_that_cannot_be_read_is_quarantined_and_the_other_tokens_are_stored(
        self, pipeline, tokens, live_market, outside
    ):
        row = {
            "lastPrice": "7",
            "quoteVolume": "1",
            "priceChangePercent": "1",
            "closeTime": 1773145740000,
        }
        rows = [{"symbol": "BTCUSDT", **row, "lastPrice": "much"}, {"symbol": "ETHUSDT", **row}]
        outside.fail("/ticker/24hr", body=json.dumps(rows).encode())
        outside.fail("/coingecko/", status=503)
        outside.listed["coinbase"] = ["USDT-USD"]
        outside.prices["coinbase USDT-USD"] = "1"
        market = live_market("binance", "coinbase")
        for written in (2, 0):
            report = ingest.refresh_quotes(pipeline, market, tokens("BTC", "ETH", "USDT"), NOW)
            assert (report.received, report.written) == (2, written)
        assert "bad_payload" in {problem.code for problem in report.errors}
        stored = (
            "select t.symbol, q.price from quotes q join tokens t on t.id = q.token_id order by 1"
        )
        assert pipeline.execute(stored).fetchall()[:1] == [("ETH", Decimal(7))]
        kept = pipeline.execute("select kind, source, reason, payload->>'answer' from quarantine")
        ((kind, source, reason, answer),) = kept.fetchall()
        assert (kind, source) == ("quote", "binance")
        assert "a ticker makes no sense" in reason
        assert "BTCUSDT" in answer

    def test_a_quote_from_the_future_is_not_believed(self, pipeline, tokens, live_market):
        early = NOW - timedelta(hours=1)
        report = ingest.refresh_quotes(pipeline, live_market("binance"), tokens("BTC"), early)
        assert report.quarantined == 1
        assert pipeline.execute("select reason from quarantine").fetchone() == (
            "its clock is ahead: not used for the price",
        )

    @pytest.mark.parametrize(
        "nonsense",
        [
            ('[1773014400000,"10","12","-9","11","1"]', "low is negative"),
            ('[1773014400000,"10","9","9","11","1"]', "high is below open or close"),
            ('[1773187200000,"10","12","9","11","1"]', "opens in the future"),
        ],
    )
    def test_a_nonsense_candle_is_quarantined_and_the_rest_is_kept(
        self, pipeline, tokens, live_market, outside, nonsense
    ):
        row, reason = nonsense
        good = '[1773100800000,"10","12","9","11","1"]'
        outside.fail("/klines", body=f"[{row},{good}]".encode(), times=1)
        report = ingest.refresh_candles(
            pipeline,
            live_market("binance"),
            tokens("BTC"),
            Interval.DAY,
            TODAY - DAY,
            NOW + 2 * DAY,
            NOW,
        )
        assert (report.written, report.quarantined) == (1, 1)
        assert pipeline.execute("select reason from quarantine").fetchone() == (reason,)

    def test_an_answer_that_makes_no_sense_is_kept_for_a_person(
        self, pipeline, tokens, live_market, outside
    ):
        outside.fail("/klines", body=b"<html>Please log in</html>")
        report = ingest.refresh_candles(
            pipeline,
            live_market("binance", "coinbase"),
            tokens("BTC"),
            Interval.DAY,
            TODAY - DAY,
            NOW,
            NOW,
        )
        assert report.written == 2
        (row,) = pipeline.execute("select source, payload->>'answer' from quarantine")
        assert row == ("binance", "<html>Please log in</html>")

    def test_an_answer_that_the_database_could_not_hold_is_kept_as_far_as_it_can(
        self, pipeline, tokens, live_market, outside
    ):
        outside.fail("/markets", body=b"<html>\x00" + b"x" * 50_000)
        report = ingest.refresh_quotes(pipeline, live_market(), tokens("ATOM"), NOW)
        assert [error.code for error in report.errors] == ["bad_payload"]
        (answer,) = pipeline.execute("select payload->>'answer' from quarantine").fetchone()
        assert answer.startswith("<html>\N{REPLACEMENT CHARACTER}x")
        assert len(answer) == 10_000

    def test_unknown_facts_keep_their_last_value(self, pipeline, tokens, live_market, outside):
        market = live_market()
        ingest.refresh_metadata(pipeline, market, tokens("BTC"), NOW)
        source = _Knows(circulating_supply=None, total_supply=Decimal(5))
        ingest.refresh_metadata(pipeline, source, tokens("BTC"), NOW)
        facts = (
            "select circulating_supply, total_supply, max_supply, all_time_low from token_metadata"
        )
        assert pipeline.execute(facts).fetchone() == (20030493, 5, None, Decimal("67.81"))
        logo = pipeline.execute("select logo_url from tokens where symbol = 'BTC'").fetchone()
        assert logo == ("https://coin-images.example/large.png",)


class _Knows:
    """A source that knows a few facts."""

    name = "live"

    def __init__(self, **facts: object) -> None:
        self._facts = facts

    def metadata(self, tokens: list[Token]) -> list[Metadata]:
        names = ("logo_url", "market_cap_rank", "circulating_supply", "total_supply", "max_supply")
        names += ("all_time_high", "all_time_high_at", "all_time_low", "all_time_low_at")
        facts = dict.fromkeys(names) | self._facts
        moment = NOW + timedelta(seconds=1)
        return [
            Metadata(token.id, **facts, source="x", observed_at=moment)  # type: ignore[arg-type]
            for token in tokens
        ]


class TestQuotes:
    def test_an_older_quote_never_replaces_a_newer_one(self, pipeline, tokens):
        (btc,) = tokens("BTC")

        def quote(price: int, age: int) -> Quote:
            return Quote(
                btc.id, Decimal(price), None, None, None, "x", NOW - timedelta(seconds=age)
            )

        assert quote_store.store(pipeline, [quote(100, 10)], NOW).written == 1
        assert quote_store.store(pipeline, [quote(101, 20)], NOW).written == 0
        assert quote_store.store(pipeline, [quote(100, 10)], NOW).written == 0
        assert quote_store.store(pipeline, [quote(102, 5)], NOW).written == 1
        assert pipeline.execute("select price, market_cap from quotes").fetchone() == (102, None)

    def test_an_unknown_market_cap_follows_from_the_supply(self, pipeline, owner, tokens):
        (btc,) = tokens("BTC")
        owner.execute(
            "insert into token_metadata (token_id, circulating_supply, source, observed_at)"
            " values (%s, 20, 'x', now())",
            [btc.id],
        )
        for price, cap in ((Decimal(7), 140), (Decimal("6e19"), None)):
            owner.execute("delete from quotes")
            quote_store.store(pipeline, [Quote(btc.id, price, None, None, None, "x", NOW)], NOW)
            assert pipeline.execute("select market_cap from quotes").fetchone() == (cap,)


_SLOW = """
    create function market.dawdle() returns trigger language plpgsql as
        $$ begin perform pg_sleep(0.001); return new; end $$;
    create trigger dawdle before insert on market.price_data for each row execute function market.dawdle();
"""
"""Makes two loads overlap for certain."""


class TestTogether:
    @pytest.mark.parametrize("last_month", ["2015-05-01", "2014-12-01"], ids=["known", "new"])
    def test_two_loaders_agree(self, database, tokens, owner, last_month):
        owner.execute("select market.ensure_price_partitions('2014-12-01', %s)", [last_month])
        owner.execute(_SLOW)
        start = datetime(2015, 1, 1, tzinfo=UTC)
        rows = [candle(t, start + n * DAY) for t in tokens("BTC", "ETH", "SOL") for n in range(100)]
        written: list[int] = []
        both = threading.Barrier(2)

        def run(part: list[Candle]) -> None:
            with psycopg.connect(database.pipeline, autocommit=True) as conn:
                both.wait()
                written.append(candle_store.load(conn, part, lambda: NOW).written)

        threads = [threading.Thread(target=run, args=[part]) for part in (rows, rows[::-1])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(written) == [0, 300]
        assert owner.execute("select count(*) from price_data").fetchone() == (300,)
        assert owner.execute("select count(*) from price_data_default").fetchone() == (0,)
        assert owner.execute("select count(*) from price_revisions").fetchone() == (0,)

    def test_a_killed_loader_leaves_nothing_and_the_next_one_does_it_all(
        self, database, tokens, pipeline
    ):
        (btc,) = tokens("BTC")
        script = _KILLED.format(url=database.pipeline, token=btc.id, batch=candle_store.BATCH)
        child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        with child:
            assert child.stdout is not None
            assert child.stdout.readline() == "halfway\n"
            child.kill()
        assert pipeline.execute("select count(*) from price_data").fetchone() == (0,)
        load(pipeline, candle(btc))
        assert pipeline.execute("select count(*) from price_data").fetchone() == (1,)


_KILLED = """
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID
import psycopg
from coinsphere.market.candles import store
from coinsphere.market.model import Candle, Interval

def rows():
    one, start = Decimal(1), datetime(2018, 1, 1, tzinfo=UTC)
    now = datetime.now(UTC)
    for n in range({batch} + 10):
        opened_at = start + n * timedelta(hours=1)
        yield Candle(UUID("{token}"), Interval.HOUR, opened_at, one, one, one, one, one, "x", True, now)
    print("halfway", flush=True)
    time.sleep(600)

with psycopg.connect("{url}", autocommit=True) as conn:
    store.load(conn, rows())
"""


class TestFiles:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        header = "date,open,high,low,close,volume\n"
        rows = "".join(f"2024-06-{day:02},10,12,9,{9 + day / 10},1000\n" for day in range(1, 31))
        (tmp_path / "BTC.csv").write_text(header + rows)
        (tmp_path / "ETH.csv").write_text(header + rows + "2024-07-01,oops,1,1,1,1\n")
        (tmp_path / "SOL.csv").write_text("nothing that is understood\n")
        (tmp_path / "WBTC.csv").write_text(header + rows)
        return tmp_path

    @pytest.fixture
    def source(self, folder: Path) -> FilesSource:
        return FilesSource(folder, lambda: NOW)

    def test_tokens_without_a_file_are_not_listed_and_fail_nothing(
        self, pipeline, tokens, source: FilesSource
    ):
        four = tokens("BTC", "ETH", "SOL", "ATOM")
        start = datetime(2024, 6, 10, tzinfo=UTC)
        report = ingest.refresh_candles(pipeline, source, four, Interval.DAY, start, NOW, NOW)
        assert report.written == 42
        codes = [(error.symbol, error.code) for error in report.errors]
        assert codes == [
            ("ETH", "bad_payload"),
            ("SOL", "bad_payload"),
            ("ATOM", "not_listed"),
        ]
        assert "line 32: open 'oops' is not a number" in report.errors[0].message
        again = ingest.refresh_candles(pipeline, source, four, Interval.DAY, start, NOW, NOW)
        assert again.written == 0

    def test_the_last_close_is_a_quote_as_old_as_it_is(self, pipeline, tokens, source: FilesSource):
        report = ingest.refresh_quotes(pipeline, source, tokens("BTC", "ETH", "ATOM"), NOW)
        assert report.written == 2
        assert [error.code for error in report.errors] == ["not_listed", "bad_payload"]
        assert "nothing for ATOM" in report.errors[0].message
        row = pipeline.execute(
            "select price, volume_24h, change_24h, observed_at, source from quotes join tokens on id = token_id"
            " where symbol = 'BTC'"
        ).fetchone()
        assert row == (
            Decimal(12),
            Decimal(12000),
            Decimal("0.840336134453781513"),
            datetime(2024, 7, 1, tzinfo=UTC),
            "file:BTC.csv",
        )
        again = ingest.refresh_quotes(pipeline, source, tokens("BTC", "ETH"), NOW)
        assert again.written == 0

    def test_an_hour_that_no_file_has_is_no_error(self, pipeline, tokens, source: FilesSource):
        report = ingest.refresh_candles(
            pipeline, source, tokens("BTC"), Interval.HOUR, NOW - DAY, NOW, NOW
        )
        assert (report.received, report.errors) == (0, [])

    def test_no_folder_at_all_lists_nothing(self, pipeline, tokens):
        source = FilesSource(None, lambda: NOW)
        report = ingest.refresh_candles(
            pipeline, source, tokens("BTC"), Interval.DAY, NOW - DAY, NOW, NOW
        )
        assert [error.code for error in report.errors] == ["not_listed"]
        assert source.metadata(tokens("BTC")) == []

    @pytest.mark.shared_data
    def test_real_files_bring_every_token_that_has_one(self, pipeline, tokens, shared_data):
        from coinsphere.market.reference import tokens as token_store

        source = FilesSource(shared_data / "daily", lambda: NOW)
        # Two with a file became others since, and are listed no more.
        everyone = [*token_store.active(pipeline), *tokens("MATIC", "MKR")]
        report = ingest.refresh_candles(
            pipeline, source, everyone, Interval.DAY, NOW - 1500 * DAY, NOW, NOW
        )
        assert {error.code for error in report.errors} == {"not_listed"}
        assert report.quarantined == 0
        quoted = ingest.refresh_quotes(pipeline, source, everyone, NOW)
        assert quoted.written == 26
        newest = pipeline.execute("select max(observed_at) from quotes")
        assert newest.fetchone() == (datetime(2024, 7, 1, tzinfo=UTC),)
        assert candle_store.gaps(pipeline, Interval.DAY) == []
