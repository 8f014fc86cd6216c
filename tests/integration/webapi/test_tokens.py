"""Tokens: what is shown, what is cached, and what is never cached."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg.rows import dict_row

from coinsphere.market.consensus import statistics
from coinsphere.market.consensus import store as consensus_store
from coinsphere.market.consensus.model import Rules, VenueQuote
from coinsphere.market.quality import set_aside
from coinsphere.market.quality.set_aside import Scope, Subject
from coinsphere.market.reference import tokens as token_store
from coinsphere.network.circuit_breaker import CircuitBreaker
from tests.integration.webapi.conftest import NOW, assert_problem, exact, quote
from webapi.services import EXTENSION

FIELDS = {
    "id",
    "symbol",
    "name",
    "blockchain",
    "logoUrl",
    "currentPrice",
    "marketCap",
    "volume24h",
    "priceChange24h",
    "priceSource",
    "priceUpdatedAt",
    "setAside",
}
DETAILS = FIELDS | {
    "coingeckoId",
    "contractAddress",
    "decimals",
    "ath",
    "athDate",
    "atl",
    "atlDate",
    "circulatingSupply",
    "totalSupply",
    "maxSupply",
    "isActive",
    "createdAt",
    "updatedAt",
}
SMALL = "0.000000012345678901"


@pytest.fixture(scope="module", autouse=True)
def market(module_database):
    """Quotes of three tokens, the candles of others."""
    with psycopg.connect(module_database.owner, autocommit=True) as conn:
        quote(
            conn,
            "BTC",
            "91234.5",
            cap=Decimal("1.8e12"),
            volume=Decimal(5),
            change=Decimal("-1.25"),
        )
        quote(conn, "ETH", "3000", cap=Decimal("4e11"))
        quote(conn, "PEPE", SMALL, source="simulated")
        conn.execute("select market.ensure_price_partitions('2021-01-01', '2026-04-01')")
        candles(conn, "SOL", "1d", datetime(2025, 1, 1, tzinfo=UTC), 100)
        candles(conn, "ADA", "1d", datetime(2021, 1, 1, tzinfo=UTC), 1500)
        candles(conn, "XRP", "1d", datetime(2026, 1, 1, tzinfo=UTC), 69)
        candles(conn, "XRP", "1h", datetime(2026, 3, 1, 12, tzinfo=UTC), 9 * 24)
        yield


def candles(conn, symbol: str, interval: str, start: datetime, count: int) -> None:
    """Candles whose closes count up from 1; each trades 2 units."""
    conn.execute(
        """
        insert into market.price_data
            (token_id, interval, opened_at, open, high, low, close, volume, source, is_final, observed_at)
        select t.id, %(interval)s, %(start)s + (n - 1) * %(step)s::interval, n, n + 0.5, n - 0.5, n, 2, 'test', true,
               %(start)s + (n + 10) * %(step)s::interval
        from market.tokens t, generate_series(1, %(count)s) n
        where t.symbol = %(symbol)s
        """,
        {
            "symbol": symbol,
            "interval": interval,
            "start": start,
            "count": count,
            "step": timedelta(hours=1) if interval == "1h" else timedelta(days=1),
        },
    )


def history(person, symbol: str, frame: str) -> dict:
    answer = person.get(f"/tokens/{symbol}/history?timeframe={frame}")
    assert answer.status_code == 200, answer.text
    return answer.json


def test_the_list_is_by_market_cap_unknown_last(person) -> None:
    found = person.get("/tokens").json["tokens"]
    assert len(found) == 31
    assert [token["symbol"] for token in found[:2]] == ["BTC", "ETH"]
    assert found[0] == {
        "id": found[0]["id"],
        "symbol": "BTC",
        "name": "Bitcoin",
        "blockchain": "Bitcoin",
        "logoUrl": None,
        "currentPrice": 91234.5,
        "marketCap": 1800000000000,
        "volume24h": 5,
        "priceChange24h": -1.25,
        "priceSource": "binance",
        "priceUpdatedAt": "2026-03-10T12:30:00Z",
        "setAside": None,
    }
    assert all(set(token) == FIELDS for token in found)
    unknown = next(token for token in found if token["symbol"] == "DOGE")
    assert unknown["currentPrice"] is None
    assert unknown["priceSource"] is None


def test_the_list_in_pages_is_the_list(person) -> None:
    whole = [token["id"] for token in person.get("/tokens").json["tokens"]]
    pages, cursor = [], ""
    while cursor is not None:
        page = person.get(f"/tokens?limit=7&cursor={cursor}" if cursor else "/tokens?limit=7").json
        pages += [token["id"] for token in page["tokens"]]
        cursor = page["nextCursor"]
    assert pages == whole


@pytest.mark.parametrize(
    ("query", "symbols"),
    [("bitc", {"BTC"}), ("USD", {"USDC", "USDT"}), ("%", set()), ("_", set()), ("\\", set())],
)
def test_search_takes_every_character_literally(person, query: str, symbols: set[str]) -> None:
    found = person.get("/tokens", query_string={"q": query}).json["tokens"]
    assert {token["symbol"] for token in found} >= symbols
    assert bool(found) == bool(symbols)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "cursor=x", "cursor=W10", "q=%00"]
)
def test_nonsense_in_the_query_is_refused(person, query: str) -> None:
    assert_problem(person.get(f"/tokens?{query}"), 400)


def test_a_token_in_any_case_at_both_places(person) -> None:
    body = person.get("/tokens/bTc").json
    assert set(body["token"]) == DETAILS
    assert {name: body[name] for name in body["token"]} == body["token"]
    assert body["token"]["decimals"] == 8


def test_every_digit_of_a_price_survives(person) -> None:
    answer = person.get("/tokens/PEPE")
    assert f'"currentPrice":{SMALL},'.encode() in answer.data
    assert exact(answer)["currentPrice"] == Decimal(SMALL)


def test_a_simulated_price_says_so(person) -> None:
    assert person.get("/tokens/PEPE").json["priceSource"] == "simulated"
    assert history(person, "PEPE", "7d")["priceSource"] == "simulated"


def test_without_a_quote_the_last_close_is_the_price_with_its_time(person) -> None:
    body = person.get("/tokens/SOL").json
    assert (body["currentPrice"], body["priceSource"]) == (100, "test")
    assert body["priceUpdatedAt"] == "2025-04-11T00:00:00Z"


@pytest.mark.parametrize("symbol", ["NOPE", "%00", "a b", "x" * 50, "'; drop table app.users --"])
@pytest.mark.parametrize("path", ["", "/history"])
def test_an_unknown_symbol_is_not_found(person, symbol: str, path: str) -> None:
    assert_problem(person.get(f"/tokens/{symbol}{path}"), 404, says="not found")


def test_of_two_tokens_with_a_symbol_the_greater_is_meant(person, owner_db) -> None:
    row = owner_db.execute(
        "insert into market.tokens (symbol, name, blockchain) values ('BTC', 'Impostor', 'BSC') returning id"
    ).fetchone()
    try:
        assert person.get("/tokens/btc").json["name"] == "Bitcoin"
    finally:
        owner_db.execute("delete from market.tokens where id = %s", row)


def test_an_answer_that_a_client_has_is_not_sent_again_nor_asked_of_the_database(
    app, person, monkeypatch
) -> None:
    for path in ("/tokens", "/tokens/BTC", "/tokens/XRP/history"):
        first = person.get(path)
        assert first.headers["ETag"].startswith('"')
        with monkeypatch.context() as patch:
            # The session is remembered for a second; nothing else may ask.
            person.get("/auth/me")
            patch.setattr(app.extensions[EXTENSION]._database, "connection", None)
            again = person.get(path, headers={"If-None-Match": first.headers["ETag"]})
            assert again.status_code == 304
            assert again.data == b""
            assert again.headers["ETag"] == first.headers["ETag"]
            assert person.get(path, headers={"If-None-Match": '"other"'}).data == first.data


def test_a_404_is_never_cached_as_200_and_a_new_token_is_seen(person, administrator) -> None:
    assert_problem(person.get("/tokens/GRT"), 404)
    assert_problem(person.get("/tokens/GRT"), 404)
    assert not any(token["symbol"] == "GRT" for token in person.get("/tokens").json["tokens"])
    made = administrator.post(
        "/tokens",
        {
            "symbol": "grt",
            "name": "The Graph",
            "blockchain": "Ethereum",
            "coingeckoId": "the-graph",
        },
    )
    assert made.status_code == 201
    assert set(made.json["token"]) == DETAILS
    assert person.get("/tokens/GRT").json["id"] == made.json["token"]["id"]
    assert any(token["symbol"] == "GRT" for token in person.get("/tokens").json["tokens"])


def test_without_redis_the_answers_are_the_same(person, cache, app, monkeypatch) -> None:
    cached = person.get("/tokens").data
    work = app.extensions[EXTENSION]
    shut = CircuitBreaker("redis", 1, 1)
    shut.rest(float("inf"))
    monkeypatch.setattr(work.cache.pool, "breaker", shut)
    assert person.get("/tokens").data == cached


def test_a_token_is_added_by_an_administrator_only(person, administrator) -> None:
    new = {"symbol": "NEW", "name": "New", "blockchain": "Ethereum", "contractAddress": "0xAb"}
    assert_problem(person.post("/tokens", new), 403, says="Admin access required")
    assert administrator.post("/tokens", new).status_code == 201
    taken = {**new, "symbol": "TWO", "contractAddress": "0xaB"}
    assert_problem(administrator.post("/tokens", taken), 409)
    assert administrator.post("/tokens", {**taken, "blockchain": "Base"}).status_code == 201
    assert_problem(administrator.post("/tokens", {**new, "coingeckoId": "bitcoin"}), 409)


@pytest.mark.parametrize(
    "change",
    [
        {"symbol": ""},
        {"symbol": "A B"},
        {"symbol": None},
        {"name": "x\u0000"},
        {"decimals": 37},
        {"decimals": "8"},
        {"logoUrl": "javascript:alert(1)"},
        {"price": 1},
    ],
)
def test_a_malformed_token_is_refused(administrator, change: dict) -> None:
    body = {"symbol": "NEW", "name": "New", "blockchain": "Ethereum", **change}
    problem = assert_problem(administrator.post("/tokens", body), 400)
    assert problem["details"][0]["path"] == next(iter(change))


def test_a_history_of_hours_where_there_are_hours(person) -> None:
    body = history(person, "XRP", "24h")
    assert body["interval"] == "1h"
    points = body["priceHistory"]
    assert len(points) == body["dataPoints"] == 25
    newest = int(datetime(2026, 3, 10, 11, tzinfo=UTC).timestamp()) * 1000
    assert points[-1] == {
        "time": newest,
        "price": 216,
        "open": 216,
        "high": 216.5,
        "low": 215.5,
        "close": 216,
        "volume": 2,
        "source": "test",
        "filled": False,
    }
    assert [point["time"] for point in points] == sorted(point["time"] for point in points)
    assert history(person, "XRP", "7d")["dataPoints"] == 7 * 24 + 1
    assert history(person, "XRP", "1h")["dataPoints"] == 2


def test_hours_that_do_not_reach_back_far_enough_give_way_to_days(person) -> None:
    body = history(person, "XRP", "30d")
    assert (body["interval"], body["dataPoints"]) == ("1d", 31)


@pytest.mark.parametrize(
    ("frame", "points"), [("1h", 1), ("24h", 2), ("7d", 8), ("30d", 31), ("90d", 91), ("1y", 100)]
)
def test_frames_are_measured_from_the_newest_day_where_there_are_only_days(
    person, frame: str, points: int
) -> None:
    body = history(person, "SOL", frame)
    assert (body["interval"], body["dataPoints"]) == ("1d", points)
    assert body["priceHistory"][-1]["close"] == 100


@pytest.fixture
def agreed(owner_db):
    """A price of LINK agreed on in each minute of a day up to `NOW`, one of them not agreed on; it goes on counting up."""
    owner_db.execute(
        """
        insert into market.consensus
            (token_id, valid_at, recorded_at, price, agreed_at, state, venues, usual_move, method, constituents)
        select t.id, at, at, n, case when n = 1430 then at - interval '1 minute' else at end, 'ok', 3, 0, 1, '[]'
        from market.tokens t, generate_series(1, 1441) as n,
            lateral (select %(now)s::timestamptz - (1441 - n) * interval '1 minute' as at) as minute
        where t.symbol = 'LINK'
        """,
        {"now": NOW},
    )
    yield owner_db
    link = "token_id = (select id from market.tokens where symbol = 'LINK')"
    for table in ("consensus", "price_data", "asset_events"):
        owner_db.execute(f"delete from market.{table} where {link}")


@pytest.mark.usefixtures("agreed")
def test_an_hour_and_a_day_are_drawn_by_minutes_where_prices_were_agreed_on(person) -> None:
    body = history(person, "LINK", "1h")
    assert (body["interval"], body["dataPoints"]) == ("1m", 59)  # but the one that was said again
    assert [point["price"] for point in body["priceHistory"]] == [
        *range(1382, 1430),
        *range(1431, 1442),
    ]
    newest = body["priceHistory"][-1]
    assert newest == {
        "time": int(NOW.timestamp()) * 1000, "price": 1441, "open": 1440, "high": 1441, "low": 1440, "close": 1441,
        "volume": None, "source": "consensus", "filled": False,
    }  # fmt: skip
    # It opens with the last price before it, unless that is older than a minute.
    opens = {point["close"]: point["open"] for point in body["priceHistory"]}
    assert (opens[1429], opens[1431], opens[1432]) == (1428, 1431, 1431)
    body = history(person, "LINK", "24h")
    assert (body["interval"], body["dataPoints"]) == ("5m", 289)  # the newest has just begun
    second = body["priceHistory"][1]
    assert (second["open"], second["high"], second["low"], second["close"]) == (5, 10, 5, 10)
    then = f"{NOW - timedelta(hours=2):%Y-%m-%dT%H:%M:%SZ}"
    before = person.get(f"/tokens/LINK/history?timeframe=1h&asOf={then}").json
    assert (before["interval"], before["priceHistory"][-1]["price"]) == ("1m", 1321)


def test_a_frame_with_too_few_minutes_is_drawn_by_hours(person, agreed) -> None:
    candles(agreed, "LINK", "1h", NOW.replace(minute=0) - timedelta(hours=25), 26)
    agreed.execute("delete from market.consensus where price between 300 and 800")
    assert history(person, "LINK", "24h")["interval"] == "1h"
    assert history(person, "LINK", "1h")["interval"] == "1m"


def test_minutes_older_than_the_newest_hour_are_not_drawn(person, agreed) -> None:
    candles(agreed, "LINK", "1h", NOW.replace(minute=0), 2)
    assert history(person, "LINK", "1h")["interval"] == "1h"


def test_minutes_across_a_change_of_unit_are_not_drawn(person, agreed) -> None:
    agreed.execute(
        """
        insert into market.asset_events (kind, token_id, happened_at, reason, old_units, new_units, recorded_by)
        select 'redenomination', id, date_trunc('day', %s::timestamptz), 'a test', 1000, 1, 'tester'
        from market.tokens where symbol = 'LINK'
        """,
        [NOW],
    )
    assert history(person, "LINK", "24h")["dataPoints"] == 0
    assert history(person, "LINK", "1h")["interval"] == "1m"


def test_a_long_history_is_merged_to_a_thousand_points_at_most(person) -> None:
    body = history(person, "ADA", "all")
    points = body["priceHistory"]
    assert body["dataPoints"] == len(points) == 750
    assert points[0] == {
        "time": int(datetime(2021, 1, 1, tzinfo=UTC).timestamp()) * 1000,
        "price": 2,
        "open": 1,
        "high": 2.5,
        "low": 0.5,
        "close": 2,
        "volume": 4,
        "source": "test",
        "filled": False,
    }
    assert points[-1]["close"] == 1500


def test_the_usual_frame_is_a_week(person) -> None:
    assert person.get("/tokens/XRP/history").json["timeframe"] == "7d"


def test_a_token_without_candles_has_an_empty_history(person) -> None:
    body = history(person, "DOGE", "all")
    assert (body["dataPoints"], body["priceHistory"], body["currentPrice"]) == (0, [], None)


@pytest.mark.parametrize("frame", ["2d", "", "7D", "7d'--"])
def test_an_unknown_frame_is_refused(person, frame: str) -> None:
    body = assert_problem(person.get("/tokens/XRP/history", query_string={"timeframe": frame}), 400)
    assert body["details"][0]["path"] == "timeframe"


def test_filled_days_of_the_warehouse_are_marked(person, owner_db) -> None:
    """The mart as dbt makes it, with a gap that the candles have."""
    owner_db.execute(
        """
        create table marts.fct_prices_daily (
            token_id uuid, price_date date, open numeric, high numeric, low numeric, close numeric, volume numeric,
            source text, is_filled boolean, is_final boolean, close_at timestamptz
        )
        """
    )
    owner_db.execute("grant select on marts.fct_prices_daily to coinsphere_api")
    cursor = owner_db.cursor(row_factory=dict_row)
    sol = cursor.execute("select id from market.tokens where symbol = 'SOL'").fetchone()["id"]
    gap = datetime(2025, 4, 8, tzinfo=UTC)
    owner_db.execute(
        "delete from market.price_data where token_id = %s and opened_at = %s", [sol, gap]
    )
    for day in (gap, gap + timedelta(days=1)):
        owner_db.execute(
            """
            insert into marts.fct_prices_daily
            values (%s, %s, 97, 97, 97, 97, null, 'test', true, true, %s)
            """,
            [sol, day.date(), day + timedelta(days=1)],
        )
    try:
        points = history(person, "SOL", "7d")["priceHistory"]
        assert [point["filled"] for point in points] == [False] * 5 + [True, False, False]
        assert (points[5]["close"], points[5]["volume"]) == (97, None)
    finally:
        owner_db.execute("drop table marts.fct_prices_daily")


def test_the_hit_ratio_is_counted(person) -> None:
    from webapi.observability import metrics

    def count(result: str) -> float:
        return metrics.PAGES.labels("tokens", result)._value.get()

    hits, misses = count("hit"), count("miss")
    person.get("/tokens")
    person.get("/tokens")
    assert (count("hit") - hits, count("miss") - misses) == (1, 1)


def test_prices_are_of_their_time(person) -> None:
    assert person.get("/tokens/ETH").json["priceUpdatedAt"] == f"{NOW:%Y-%m-%dT%H:%M:%S}Z"


def test_a_token_that_is_set_aside_shows_its_last_good_price_and_says_why(person, owner_db):
    (token_id,) = owner_db.execute("select id from market.tokens where symbol = 'ADA'").fetchone()
    last = datetime(2021, 1, 1, tzinfo=UTC) + timedelta(days=1499)
    wrong = [Subject(token_id, last, "a_rule", "It is wrong.", {})]
    stuck = [Subject(token_id, None, "another", "Its feed is stuck.", {})]

    set_aside.apply(owner_db, Scope.CANDLE, ["a_rule"], wrong, last, NOW)
    set_aside.apply(owner_db, Scope.TOKEN, ["another"], stuck, last, NOW)

    shown = person.get("/tokens/ADA").json
    assert shown["setAside"] == "It is wrong. Its feed is stuck."
    assert shown["currentPrice"] == 1499
    assert history(person, "ADA", "7d")["priceHistory"][-1]["close"] == 1499
    answer = person.get("/predictions/ADA")
    assert answer.status_code == 503
    assert answer.json["error"] == "ADA is set aside: Its feed is stuck."


@pytest.fixture(scope="module")
def venues(module_database):
    """Three venues of which one lies, as the pipeline stores them."""
    said = [("kraken", "100"), ("okx", "100.1"), ("binance", "100.2"), ("bybit", "130")]
    quotes = [
        VenueQuote("SOL", venue, "USD", Decimal(price), NOW, volume=Decimal(1000))
        for venue, price in said
    ]
    with psycopg.connect(module_database.owner, autocommit=True) as conn:
        conn.execute("insert into market.origin (source) values ('live') on conflict do nothing")
    with psycopg.connect(module_database.pipeline, autocommit=True) as conn:
        sol = token_store.by_symbol(conn, "SOL")
        quotes = [replace(quote, asset=sol.id) for quote in quotes]
        consensus_store.settle(conn, "live", [sol], quotes, NOW, Rules())


@pytest.mark.usefixtures("venues")
class TestPrice:
    def test_a_price_is_explained_to_the_last_digit(self, person):
        answer = person.ask("GET", "/tokens/sol/price?explain=true")
        body = exact(answer)
        assert (body["price"], body["state"], body["quorum"]) == (Decimal("100.1"), "ok", 3)
        assert body["madeOf"] == "consensus"
        assert body["agreedAt"] == NOW.isoformat().replace("+00:00", "Z")
        parts = {part["venue"]: part for part in body["constituents"]}
        assert parts["bybit"]["weight"] == 0
        assert parts["bybit"]["leftOut"] == "2987 bp from the median of the others"
        # Whoever has the weights and the prices has the price.
        voting = [(part["price"], part["weight"]) for part in parts.values() if not part["leftOut"]]
        assert statistics.quantile(voting, Decimal("0.5")) == body["price"]

    def test_it_is_not_explained_unasked_and_every_instant_has_its_own(self, person):
        assert exact(person.ask("GET", "/tokens/SOL/price"))["constituents"] is None
        later = (NOW + timedelta(minutes=3)).isoformat().replace("+", "%2B")
        assert exact(person.ask("GET", f"/tokens/SOL/price?at={later}"))["price"] == Decimal(
            "100.1"
        )
        assert_problem(
            person.ask("GET", "/tokens/SOL/price?at=2012-01-01T00:00:00Z"),
            404,
            says="a price of SOL",
        )
        assert_problem(person.ask("GET", "/tokens/SOL/price?at=yesterday"), 400)
        for end in ("0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"):
            for path in ("price?at", "price?asOf", "history?asOf"):
                answer = person.ask("GET", f"/tokens/SOL/{path}={end}")
                assert answer.status_code in {200, 404}, answer.text
        assert_problem(person.ask("GET", "/tokens/NOPE/price"), 404)


def test_a_corrected_candle_is_shown_as_it_was_believed_at_each_moment(
    person, module_database
) -> None:
    moments = []
    with psycopg.connect(module_database.owner, autocommit=True) as conn:
        token = token_store.by_symbol(conn, "CRV")
        conn.execute(
            """
            insert into market.price_data
                (token_id, interval, opened_at, open, high, low, close, source, is_final, observed_at)
            select %s, '1d', d, 10, 20, 5, 11, 'kraken', true, d
            from generate_series(%s::timestamptz, %s, '1 day') d
            """,
            [token.id, NOW - timedelta(days=3), NOW - timedelta(days=2)],
        )
        moments += conn.execute("select clock_timestamp()").fetchone()
        conn.execute(
            "update market.price_data set close = 15, ingested_at = clock_timestamp()"
            " where token_id = %s and opened_at = %s",
            [token.id, NOW - timedelta(days=2)],
        )
        moments += conn.execute("select clock_timestamp()").fetchone()
    seen = []
    for moment in moments:
        as_of = moment.isoformat().replace("+", "%2B")
        shown = exact(person.ask("GET", f"/tokens/CRV/history?timeframe=all&asOf={as_of}"))
        price = exact(person.ask("GET", f"/tokens/CRV/price?asOf={as_of}"))
        assert price["price"] == shown["currentPrice"]
        seen.append([point["price"] for point in shown["priceHistory"]] + [price["price"]])
    assert seen == [[11, 11, 11], [11, 15, 15]]
    now = exact(person.ask("GET", "/tokens/CRV/history?timeframe=all"))
    assert [point["price"] for point in now["priceHistory"]] == [11, 15]
