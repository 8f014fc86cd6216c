"""The live source over real HTTP: every exchange's protocol, and what each of the five errors leads to."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from coinsphere.clock import DAY, HOUR
from coinsphere.errors import BadPayload, NotListed, OutsideWindow, RateLimited, Unavailable
from coinsphere.market.model import Interval
from coinsphere.market.sources import factory

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
TODAY = NOW.replace(hour=0, minute=0)


@pytest.fixture(scope="module")
def pipeline(module_database) -> Iterator[psycopg.Connection]:
    """One database for all: nothing here writes to it."""
    with psycopg.connect(module_database.pipeline, autocommit=True) as conn:
        yield conn


@pytest.mark.parametrize("exchange", ["binance", "coinbase", "kraken", "kucoin"])
class TestProtocols:
    def test_candles_keep_every_digit_and_mark_the_running_one(self, live_market, tokens, exchange):
        (btc,) = tokens("BTC")
        made = live_market(exchange).candles(btc, Interval.DAY, TODAY - 3 * DAY, NOW)
        assert [candle.opened_at for candle in made] == [
            TODAY - 3 * DAY + n * DAY for n in range(4)
        ]
        assert [candle.is_final for candle in made] == [True, True, True, False]
        days = (TODAY - 3 * DAY - datetime(2025, 9, 1, tzinfo=UTC)).days
        assert made[0][3:9] == (
            Decimal(f"{100 + days}.000000000000000001"),
            Decimal(f"{102 + days}.5"),
            Decimal(f"{99 + days}.25"),
            Decimal(f"{101 + days}.123456789012345678"),
            Decimal("12.5"),
            exchange,
        )

    def test_quotes_keep_every_digit(self, live_market, tokens, exchange, outside):
        (quote,) = live_market(exchange).venue_quotes(tokens("BTC"))
        assert quote.price == Decimal(outside.price)
        assert quote.venue == exchange
        assert quote.observed_at == NOW
        assert quote.volume > 0

    def test_hourly_pages_follow_each_other_without_a_gap(self, live_market, tokens, exchange):
        (btc,) = tokens("BTC")
        start = TODAY - 50 * DAY if exchange != "kraken" else TODAY - 25 * DAY
        made = live_market(exchange).candles(btc, Interval.HOUR, start, NOW)
        opened = [candle.opened_at for candle in made]
        assert opened == [start + n * HOUR for n in range(len(opened))]
        assert opened[-1] == NOW.replace(minute=0)

    def test_a_history_that_begins_before_the_listing_is_read_from_the_listing_on(
        self, live_market, tokens, exchange
    ):
        (btc,) = tokens("BTC")
        start = TODAY - (1500 * DAY if exchange != "kraken" else 700 * DAY)
        made = live_market(exchange).candles(btc, Interval.DAY, start, NOW)
        assert {candle.source for candle in made} == {exchange}
        assert made[0].opened_at == datetime(2025, 9, 1, tzinfo=UTC)
        assert len(made) == (TODAY - made[0].opened_at).days + 1


def test_a_change_since_midnight_is_not_passed_off_as_one_over_24_hours(live_market, tokens):
    (kraken,) = live_market("kraken").venue_quotes(tokens("BTC"))
    (binance,) = live_market("binance").venue_quotes(tokens("BTC"))
    assert kraken.change_24h is None
    assert binance.change_24h == Decimal("4.123")


class TestPreference:
    def test_each_token_is_quoted_by_all_that_list_it_else_by_coingecko(self, live_market, tokens):
        market = live_market("binance", "coinbase", "kucoin")
        quotes = market.venue_quotes(tokens("BTC", "SOL", "PEPE", "ATOM"))
        said = [
            {q.venue for q in quotes if q.asset == t.id}
            for t in tokens("BTC", "SOL", "PEPE", "ATOM")
        ]
        assert said == [{"binance", "coinbase", "kucoin"}, {"coinbase"}, {"kucoin"}, {"coingecko"}]
        assert market.take_problems() == []

    def test_not_listed_goes_to_the_next_and_is_no_problem(self, live_market, tokens, outside):
        (sol,) = tokens("SOL")
        market = live_market("binance", "coinbase")
        made = market.candles(sol, Interval.DAY, TODAY - 2 * DAY, NOW)
        assert {candle.source for candle in made} == {"coinbase"}
        assert market.take_problems() == []
        assert outside.count("/klines") == 0

    @pytest.mark.parametrize("body", [b"[]", b'{"unexpected": true}'])
    def test_an_empty_answer_makes_way_for_one_that_has_the_candles(
        self, live_market, tokens, outside, body
    ):
        outside.fail("/klines", body=body)
        (btc,) = tokens("BTC")
        made = live_market("binance", "coinbase").candles(btc, Interval.DAY, TODAY - 2 * DAY, NOW)
        assert {candle.source for candle in made} == {"coinbase"}

    def test_a_token_that_nobody_lists(self, live_market, tokens, outside):
        outside.fail("/coingecko/coins/", status=404)
        (token,) = tokens("ATOM")
        with pytest.raises(NotListed):
            live_market("binance").candles(token, Interval.DAY, TODAY - 2 * DAY, NOW)

    def test_coingecko_makes_candles_of_its_points_without_a_volume(self, live_market, tokens):
        (token,) = tokens("ATOM")
        made = live_market("binance").candles(token, Interval.DAY, TODAY - 2 * DAY, NOW)
        days = (TODAY - 2 * DAY - datetime(2025, 9, 1, tzinfo=UTC)).days
        assert [candle.volume for candle in made] == [None] * 3
        assert made[0].open == Decimal(f"{100 + days}.000000000000000001")
        assert made[-1].is_final is False

    def test_metadata_comes_from_coingecko_and_zero_means_unknown(self, live_market, tokens):
        market = live_market("binance")
        (facts,) = market.metadata(tokens("BTC"))
        assert facts.circulating_supply == 20030493
        assert facts.max_supply is None
        assert facts.all_time_low == Decimal("67.81")
        assert facts.all_time_high_at == datetime(2025, 10, 6, 18, 57, 42, 558000, UTC)
        (quote,) = live_market().venue_quotes(tokens("ATOM"))
        assert quote.volume is None
        assert quote.market_cap == 1555886872303


class TestRateLimited:
    def test_the_pause_that_was_asked_for_is_made(self, live_market, tokens, outside, slept):
        outside.fail("/klines", status=429, headers={"Retry-After": "7"}, times=1)
        (btc,) = tokens("BTC")
        made = live_market("binance").candles(btc, Interval.DAY, TODAY - DAY, NOW)
        assert len(made) == 2
        assert slept == [7.0]

    @pytest.mark.parametrize("status", [429, 503])
    def test_the_pause_that_was_asked_for_as_a_date_is_made(
        self, live_market, tokens, outside, slept, status
    ):
        date = format_datetime(NOW + timedelta(seconds=7), usegmt=True)
        for path in ("/klines", "/coingecko/"):
            outside.fail(path, status=status, headers={"Retry-After": date}, times=1)
        (btc, atom) = tokens("BTC", "ATOM")
        assert len(live_market("binance").candles(btc, Interval.DAY, TODAY - DAY, NOW)) == 2
        assert live_market().venue_quotes([atom])
        assert slept == [7.0, 7.0]

    @pytest.mark.parametrize("headers", [{}, {"Retry-After": "soon"}, {"Retry-After": "inf"}])
    def test_without_a_number_the_pauses_grow(self, live_market, tokens, outside, slept, headers):
        outside.fail("/binance/", status=429, headers=headers)
        outside.fail("/coingecko/", status=429, headers=headers)
        with pytest.raises(RateLimited):
            live_market("binance").venue_quotes(tokens("BTC"))
        assert len(slept) == 4
        assert 0.5 <= slept[0] <= slept[1]

    def test_who_asks_for_too_much_patience_is_left_for_the_next(
        self, live_market, tokens, outside, slept
    ):
        outside.fail("/binance/", status=429, headers={"Retry-After": "3600"})
        market = live_market("binance", "coinbase")
        (quote,) = market.venue_quotes(tokens("BTC"))
        assert quote.venue == "coinbase"
        assert slept == []
        (problem,) = market.take_problems()
        assert isinstance(problem, RateLimited)
        assert problem.retry_after == 3600

    def test_who_failed_is_left_alone_for_a_minute(self, live_market, tokens, outside):
        outside.fail("/binance/", status=429, headers={"Retry-After": "3600"})
        market = live_market("binance", "coinbase")
        market.venue_quotes(tokens("BTC"))
        asked = outside.count("/binance/")
        market.venue_quotes(tokens("BTC"))
        assert outside.count("/binance/") == asked
        market._clock = lambda: NOW + timedelta(seconds=61)
        market.venue_quotes(tokens("BTC"))
        assert outside.count("/binance/") > asked

    def test_coingecko_is_asked_no_faster_than_its_plan_allows(
        self, live_market, tokens, outside, slept
    ):
        market = live_market()
        (atom,) = tokens("ATOM")
        for _ in range(26):
            market.venue_quotes([atom])
        assert outside.count("/coingecko/") == 26
        assert len(slept) == 1
        assert 0 < slept[0] <= 60 / 25


class TestOutsideWindow:
    def test_kraken_reaches_back_720_candles_and_says_since_when(
        self, live_market, tokens, outside
    ):
        outside.fail("/coingecko/", status=404)
        (ltc,) = tokens("LTC")
        market = live_market("kraken")
        with pytest.raises(OutsideWindow) as caught:
            market.candles(ltc, Interval.HOUR, NOW - 60 * DAY, NOW)
        assert caught.value.earliest == NOW - 719 * HOUR
        assert market.candles(ltc, Interval.HOUR, caught.value.earliest, NOW)

    def test_coingeckos_plan_reaches_back_a_year(self, live_market, tokens, outside):
        outside.fail(
            "/range",
            status=401,
            body=b'{"error":{"status":{"error_code":10012,"error_message":"time range"}}}',
        )
        (atom,) = tokens("ATOM")
        with pytest.raises(OutsideWindow) as caught:
            live_market().candles(atom, Interval.DAY, NOW - 1000 * DAY, NOW)
        assert NOW - 365 * DAY < caught.value.earliest < NOW - 364 * DAY


class TestDown:
    @pytest.mark.parametrize(
        "answer",
        [
            {"status": 500},
            {"status": 503, "body": b"<html>maintenance</html>"},
            {"status": 451, "body": b'{"code":0,"msg":"restricted location"}'},
            {"status": 302, "headers": {"Location": "/binance/api/v3/time"}},
            {"cut": True, "body": b'{"timezone": "UTC", "sym'},
        ],
        ids=["500", "503", "451", "redirect", "cut short"],
    )
    def test_the_next_is_asked_and_the_failure_is_told(
        self, live_market, tokens, outside, slept, answer
    ):
        outside.fail("/binance/", **answer)
        market = live_market("binance", "coinbase")
        (quote,) = market.venue_quotes(tokens("BTC"))
        assert quote.venue == "coinbase"
        (problem,) = market.take_problems()
        assert isinstance(problem, Unavailable)
        assert problem.source == "binance"
        assert len(slept) == 2

    def test_a_redirect_is_not_followed(self, live_market, tokens, outside):
        outside.fail("/binance/", status=302, headers={"Location": "/elsewhere"})
        outside.fail("/coingecko/", status=302, headers={"Location": "/elsewhere"})
        with pytest.raises(Unavailable):
            live_market("binance").venue_quotes(tokens("BTC"))
        assert outside.count("/elsewhere") == 0

    @pytest.mark.parametrize("provider", ["binance", "coingecko"])
    def test_who_does_not_answer_in_time(self, live_market, tokens, outside, provider):
        outside.fail(f"/{provider}/", delay=30)
        market = live_market("binance", timeout=0.2)
        symbol = {"binance": "BTC", "coingecko": "ATOM"}[provider]
        if provider == "binance":
            (quote,) = market.venue_quotes(tokens(symbol))
            assert quote.venue == "coingecko"
            (problem,) = market.take_problems()
            assert isinstance(problem, Unavailable)
        else:
            with pytest.raises(Unavailable, match="Timeout"):
                market.venue_quotes(tokens(symbol))

    def test_who_hangs_is_asked_once_and_holds_up_nobody(self, live_market, tokens, outside):
        """Not three times, and not once for each token."""
        outside.fail("/binance/", delay=30)
        market = live_market("binance", "coinbase", timeout=0.3)
        for token in tokens("BTC", "ETH", "SOL"):
            assert market.candles(token, Interval.DAY, TODAY - DAY, NOW)
        assert {quote.venue for quote in market.venue_quotes(tokens("BTC", "SOL"))} == {"coinbase"}
        assert outside.count("/binance/") == 1

    def test_a_server_that_is_not_there(self, live_market, tokens, outside):
        outside.url = "http://127.0.0.1:9"
        market = live_market("binance")
        market._providers[0]._client.urls["api"]["public"] = "http://127.0.0.1:9/api/v3"
        (quote,) = market.venue_quotes(tokens("BTC"))
        assert quote.venue == "coingecko"
        assert isinstance(market.take_problems()[0], Unavailable)


class TestNonsense:
    @pytest.mark.parametrize(
        "body",
        [
            b"<html><body>Welcome</body></html>",
            b'[[1773100800000,"10","12","9","1',
            b"[[1773100800000]]",
            b'[["yesterday","1","2","1","1","1"]]',
            b'[[1773100800000,"x","12","9","11","1"]]',
            b"[null]",
            b"[" * 200_000,
            b'[{"a":' * 90_000 + b"1" + b"}]" * 90_000,
        ],
        ids=["html", "truncated", "short", "time", "number", "null", "deep", "deep and whole"],
    )
    def test_candles_that_make_no_sense_go_to_the_next_and_keep_their_start(
        self, live_market, tokens, outside, slept, body
    ):
        outside.fail("/klines", body=body)
        market = live_market("binance", "coinbase")
        made = market.candles(*tokens("BTC"), Interval.DAY, TODAY - DAY, NOW)
        assert {candle.source for candle in made} == {"coinbase"}
        (problem,) = market.take_problems()
        assert isinstance(problem, BadPayload)
        assert problem.payload
        assert slept == []

    @pytest.mark.parametrize(
        "body",
        [
            b"<html>",
            b'{"error": "x"}',
            b'[{"id": "cosmos"}]',
            b'[{"id": "cosmos", "current_price": "much"',
            b"[" * 200_000,
            b"[" * 90_000 + b"]" * 90_000,
        ],
    )
    def test_coingecko_that_makes_no_sense(self, live_market, tokens, outside, body):
        outside.fail("/markets", body=body)
        with pytest.raises(BadPayload):
            live_market().venue_quotes(tokens("ATOM"))

    def test_one_row_of_coingecko_that_makes_no_sense_takes_no_other_with_it(
        self, live_market, tokens, outside
    ):
        good = {
            "id": "bitcoin", "current_price": 100.5, "total_volume": 7, "market_cap": 9,
            "price_change_percentage_24h": 1, "last_updated": "2026-03-10T12:29:00Z",
        }  # fmt: skip
        rows = [
            {**good, "id": "cosmos", "current_price": "much"},
            {**good, "id": ["solana"]},
            good,
            {"id": "ethereum"},
        ]
        outside.fail("/markets", body=json.dumps(rows).encode())
        market = live_market()
        (quote,) = market.venue_quotes(tokens("ATOM", "BTC", "ETH"))
        assert (quote.price, quote.venue) == (Decimal("100.5"), "coingecko")
        first, second = market.take_problems()
        assert isinstance(first, BadPayload)
        assert "ATOM" in str(first)
        assert "much" in first.payload
        assert "ETH" in str(second)
        assert market.take_problems() == []

    @pytest.mark.parametrize(
        "nonsense",
        [
            {"lastPrice": "much"},
            {"symbol": {}},
            {"closeTime": "soon"},
            {"lastPrice": ["7"]},
            {"closeTime": 10**20},
            {"closeTime": -(10**20)},
        ],
    )
    def test_one_ticker_that_makes_no_sense_takes_no_other_with_it(
        self, live_market, tokens, outside, nonsense
    ):
        row = {
            "lastPrice": "7",
            "quoteVolume": "1",
            "priceChangePercent": "1",
            "closeTime": 1773145740000,
        }
        rows = [{"symbol": "BTCUSDT", **row, **nonsense}, {"symbol": "ETHUSDT", **row}]
        outside.fail("/ticker/24hr", body=json.dumps(rows).encode())
        market = live_market("binance", "coinbase")
        found = {quote.venue: quote for quote in market.venue_quotes(tokens("BTC", "ETH"))}
        assert found["binance"].price == 7
        # The other token's price comes from who is asked next, or the nonsense of the row told no price.
        assert set(found) <= {"binance", "coinbase", "coingecko"}
        assert len(found) == 2 or nonsense == {"closeTime": "soon"}

    def test_a_ticker_at_which_ccxt_stumbles_is_kept_and_the_others_are_taken(
        self, live_market, tokens, outside
    ):
        row = {
            "lastPrice": "7",
            "quoteVolume": "1",
            "priceChangePercent": "1",
            "closeTime": 1773145740000,
        }
        rows = ["BTCUSDT", {"symbol": "ETHUSDT", **row}]
        outside.fail("/ticker/24hr", body=json.dumps(rows).encode())
        market = live_market("binance")
        quotes = {quote.venue for quote in market.venue_quotes(tokens("BTC", "ETH"))}
        assert "binance" in quotes

    def test_an_answer_of_nothing_but_nonsense_is_refused(self, live_market, tokens, outside):
        rows = [
            {"symbol": "BTCUSDT", "lastPrice": "much"},
            {"symbol": "ETHUSDT", "lastPrice": "more"},
        ]
        outside.fail("/ticker/24hr", body=json.dumps(rows).encode())
        market = live_market("binance", "coinbase")
        assert {quote.venue for quote in market.venue_quotes(tokens("BTC", "ETH"))} == {"coinbase"}
        assert [type(problem) for problem in market.take_problems()] == [BadPayload]

    @pytest.mark.parametrize(
        "nonsense",
        [
            '["yesterday","1","2","1","1","1"]',
            '[1773014400000,"x","12","9","11","1"]',
            "[1773014400000]",
            '[null,"10","12","9","11","1"]',
            '[100000000000000000000,"10","12","9","11","1"]',
            "null",
            '"a row"',
            '{"time": 1773014400000}',
        ],
    )
    @pytest.mark.parametrize("last", [False, True])
    def test_one_candle_that_makes_no_sense_takes_no_other_with_it(
        self, live_market, tokens, outside, nonsense, last
    ):
        good = '[1773100800000,"10","12","9","11","1"]'
        rows = f"{good},{nonsense}" if last else f"{nonsense},{good}"
        outside.fail("/klines", body=f"[{rows}]".encode(), times=1)
        market = live_market("binance", "coinbase")
        (made,) = market.candles(*tokens("BTC"), Interval.DAY, TODAY - DAY, NOW)
        assert (made.source, made.close) == ("binance", 11)
        assert {type(problem) for problem in market.take_problems()} == {BadPayload}

    def test_very_many_rows_of_nonsense_are_counted(self, live_market, tokens, outside):
        rows = [[1773100800000, "10", "12", "9", "11", "1"]]
        rows += [[1773014400000, "x", str(number), "1", "1", "1"] for number in range(200)]
        outside.fail("/klines", body=json.dumps(rows).encode(), times=1)
        market = live_market("binance")
        assert len(market.candles(*tokens("BTC"), Interval.DAY, TODAY - DAY, NOW)) == 1
        *named, last = market.take_problems()
        assert str(len(named) - 200).replace("-", "") in str(last)

    @pytest.mark.parametrize(
        "nonsense",
        ['"x"', '[1773014400000, "x"]', "[1773014400000]", "[1e30, 5]", "[1773014400000, -5]",
         "[1773014400000, NaN]", "[1773014400000, Infinity]", "null"],
    )  # fmt: skip
    def test_one_point_that_makes_no_sense_takes_no_other_with_it(
        self, live_market, tokens, outside, nonsense
    ):
        points = ", ".join(f"[{1773014400000 + hour * 3600000}, {hour + 5}]" for hour in range(24))
        body = '{"prices": [' + f"{nonsense}, {points}" + "]}"
        outside.fail("/range", body=body.encode())
        market = live_market()
        (made, *_) = market.candles(*tokens("ATOM"), Interval.DAY, TODAY - DAY, NOW)
        assert (made.open, made.high, made.low, made.close) == (5, 28, 5, 28)
        (problem,) = market.take_problems()
        assert isinstance(problem, BadPayload)

    @pytest.mark.parametrize(
        "nonsense",
        [
            {"market_cap_rank": "first"},
            {"market_cap_rank": 1.5},
            {"ath_date": "0001-01-01T00:00:00+23:00"},
            {"ath": {}},
            {"total_supply": [1]},
        ],
    )
    def test_one_fact_that_makes_no_sense_takes_no_other_token_with_it(
        self, live_market, tokens, outside, nonsense
    ):
        names = (
            "image", "market_cap_rank", "circulating_supply", "total_supply", "max_supply", "ath", "ath_date", "atl",
            "atl_date",
        )  # fmt: skip
        good = {"id": "bitcoin", **dict.fromkeys(names), "image": "https://x/y.png"}
        rows = [{**good, "id": "cosmos", **nonsense}, good]
        outside.fail("/markets", body=json.dumps(rows).encode())
        market = live_market()
        (found,) = market.metadata(tokens("ATOM", "BTC"))
        assert found.logo_url == "https://x/y.png"
        assert "ATOM" in str(*market.take_problems())

    def test_points_that_make_no_sense(self, live_market, tokens, outside):
        outside.fail("/range", body=b'{"prices": [[1, "x"]]}')
        with pytest.raises(BadPayload):
            live_market().candles(*tokens("ATOM"), Interval.DAY, TODAY - DAY, NOW)


class TestProbe:
    def test_a_reachable_exchange_makes_the_market_live(self, live_settings, outside):
        assert factory.probe_live(live_settings)

    def test_the_second_exchange_is_asked_too(self, live_settings, outside):
        outside.fail("/binance/", status=503)
        outside.fail(
            "/coinbase/", body=b'{"iso": "2026-03-10T12:30:00Z", "epochSeconds": "1773145800"}'
        )
        assert factory.probe_live(live_settings)

    @pytest.mark.parametrize("answer", [{"status": 503}, {"body": b"<html>a login page</html>"}])
    def test_where_none_answers_it_is_not(self, live_settings, outside, answer):
        outside.fail("/", **answer)
        assert not factory.probe_live(live_settings)


@pytest.mark.shared_data
class TestRecorded:
    """Answers that the providers really gave, or print in their own documents."""

    @pytest.fixture
    def replay(self, shared_data: Path, outside) -> Callable[[str, str], Any]:
        def answer(path: str, file: str) -> Any:
            text = (shared_data / "payloads" / file).read_text()
            document = json.loads(text)
            if isinstance(document, dict) and "response" in document:
                document = document["response"]["body"]
            outside.fail(path, body=json.dumps(document).encode())
            return json.loads(json.dumps(document), parse_float=Decimal)

        return answer

    def test_binance(self, live_market, tokens, replay):
        replay("/exchangeInfo", "binance/rec_api_v1_exchangeInfo_200.json")
        rows = replay("/klines", "binance/hummingbot_candles_binance.json")
        tickers = replay("/ticker/24hr", "binance/rec_api_v1_ticker_24hr_200.json")
        market = live_market("binance")
        (btc,) = tokens("BTC")
        start = datetime.fromtimestamp(rows[0][0] / 1000, UTC)
        made = market.candles(btc, Interval.HOUR, start, start + 4 * HOUR)
        assert [[candle.open, candle.volume] for candle in made] == [
            [Decimal(row[1]), Decimal(row[5])] for row in rows
        ]
        (quote,) = [
            q for q in market.venue_quotes([btc]) if q.asset == btc.id and q.currency == "USDT"
        ]
        (ticker,) = [ticker for ticker in tickers if ticker["symbol"] == "BTCUSDT"]
        assert quote.price == Decimal(ticker["lastPrice"])
        assert quote.volume == Decimal(ticker["quoteVolume"])
        assert quote.observed_at.year == 2019

    def test_kraken(self, live_market, tokens, replay, outside):
        replay("/Assets", "kraken/rec_0_public_Assets_200.json")
        pairs = replay("/AssetPairs", "kraken/rec_0_public_AssetPairs_200.json")
        for pair in pairs["result"].values():
            pair["status"] = "online"  # of 2017: Kraken has told it since
        outside.answers[-1].body = json.dumps(pairs, default=str).encode()
        (quote,) = live_market("kraken").venue_quotes(tokens("BTC"))
        assert quote.venue == "kraken"
        assert quote.price == Decimal(outside.price)

    def test_coingecko(self, live_market, tokens, replay):
        (row, *_) = replay("/markets", "coingecko/oas_coins_markets_200.json")
        replay("/range", "coingecko/oas_coins_id_market_chart_range_200.json")
        market = live_market()
        (btc,) = tokens("BTC")
        (quote,) = market.venue_quotes([btc])
        assert (quote.price, quote.market_cap) == (row["current_price"], row["market_cap"])
        (facts,) = market.metadata([btc])
        assert facts.circulating_supply == Decimal(row["circulating_supply"])
        assert facts.all_time_high == row["ath"]
        moment = datetime(2026, 5, 17, tzinfo=UTC)
        market._coingecko._clock = lambda: moment + 2 * DAY
        (candle,) = market.candles(btc, Interval.HOUR, moment, moment + DAY)
        assert (candle.low, candle.high) == (
            Decimal("77953.82550382407"),
            Decimal("78052.87543398788"),
        )
