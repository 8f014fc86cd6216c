"""What each read costs in round trips and statements, counted on the wire, and that no hot one reads more with history.

`round_trips.txt` beside this file is the table; a change of it is reviewed like one of an interface. Counts do not depend
on how quick or busy a machine is.
"""

import re
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import pq

from coinsphere.flags import client as flag_client
from coinsphere.network.redis_pool import GuardedPool
from tests.integration.webapi import books
from tests.integration.webapi.conftest import NOW, OPTIONS, Person, exact, new_person
from tests.integration.webapi.test_access_matrix import Route, owned, routes
from tests.integration.webapi.test_predictions import forecast
from webapi import features
from webapi.app import create_app
from webapi.backends import cache as backend_cache
from webapi.security import quota_leases, session_cache
from webapi.services import EXTENSION

TABLE = Path(__file__).with_name("round_trips.txt")
HEAD = f"{'route':<62}{'redis':>6}{'postgres':>9}{'statements':>11}\n"
HOT = (
    "/tokens",
    "/tokens/BTC",
    "/tokens/BTC/history?timeframe=24h",
    "/auth/me",
    "/predictions/BTC",
)
# Public, or of another process: what they cost is asked for once in seconds.
PASSED_OVER = re.compile(
    r"^/(health|\.well-known|api/(docs|openapi|postman))|/(audit|stats|metrics)\b"
)
_DONE = re.compile(r'CommandComplete\b.*"[A-Z0-9 ]+ (\d+)"')
_JOBS = "select count(*) from jobs.procrastinate_jobs where args ->> 'user_id' = %s"
_TRADES = """
    insert into app.transactions (user_id, portfolio_id, fact_id, token_id, type, amount, price, occurred_at)
    select user_id, portfolio_id, gen_random_uuid(), token_id, type, amount, price, occurred_at - make_interval(days => day)
    from app.transactions, generate_series(1, %(count)s) as day where portfolio_id = %(portfolio)s
"""
PURCHASE = 30
"""Statements of a purchase of today, at most."""


@pytest.fixture(scope="module")
def app(api_settings, clock):
    """An API with one connection, so that what goes over it is all there is, and caches that outlive the test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features, "CACHE_SECONDS", 3600.0)
        patch.setattr(flag_client, "CACHE_SECONDS", 3600.0)
        patch.setattr(session_cache, "CACHE_SECONDS", 3600.0)
        changes = {"database_pool_size": 1, "cache_seconds": 3600, "rate_limit_api": 10_000}
        made = create_app(api_settings.model_copy(update=changes), clock=lambda: clock[0])
        yield made
        made.extensions[EXTENSION].close()


@dataclass
class Counted:
    """Of one request."""

    redis: int = 0
    postgres: int = 0
    statements: int = 0
    rows: int = 0
    """That statements found or changed."""


class Wire:
    """Counts what goes to Redis and PostgreSQL."""

    def __init__(self, app, monkeypatch) -> None:
        self._app, self._loans = app, 0
        lend = GuardedPool.get_connection

        def counting(pool, *arguments, **options):
            self._loans += 1
            return lend(pool, *arguments, **options)

        monkeypatch.setattr(GuardedPool, "get_connection", counting)

    def counted(self, ask) -> Counted:
        """What `ask` costs."""
        with self._app.extensions[EXTENSION].database._pool.connection() as conn:
            # A statement that is prepared at its fifth use costs a round trip more that once.
            conn.prepare_threshold = None
            wire = conn.pgconn
        with tempfile.TemporaryFile("w+") as file:
            self._loans = 0
            wire.trace(file.fileno())
            wire.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
            ask()
            wire.untrace()
            file.seek(0)
            sent = [line.split("\t") for line in file if line[:2] in ("F\t", "B\t")]
        whose = "".join(fields[0] for fields in sent)
        return Counted(
            redis=self._loans,
            postgres=len(re.findall("FB", whose)),
            statements=sum(each[2] in ("Query", "Execute") for each in sent if each[0] == "F"),
            rows=sum(int(number) for each in sent for number in _DONE.findall("\t".join(each))),
        )


@pytest.fixture
def world(client, owner_db, model_server, module_database) -> Person:
    """An administrator with one of each kind of thing, and marts with one day."""
    _build_marts(owner_db, days=30)
    person = new_person(client)
    owner_db.execute(
        "update app.users set role = 'admin', email_verified = true where id = %s", [person.id]
    )
    model_server.answers = {"BTC": (200, forecast())}
    return person


def test_each_read_costs_what_the_table_says(app, client, world, monkeypatch) -> None:
    # What the process remembers for a second depends on when it is asked: here it counts nothing ahead and has no page.
    monkeypatch.setattr(quota_leases, "PART", 10**9)
    monkeypatch.setattr(backend_cache, "_HERE_SECONDS", 0.0)
    ids, wire = owned(world), Wire(app, monkeypatch)
    lines = [
        _line(route, wire.counted(lambda path=path: world.client.get(path, headers=world.headers)))
        for route, path in _reads(app, client, ids)
        # Once before: what is cached is what most requests find.
        if world.client.get(path, headers=world.headers).status_code == 200
    ]
    found = HEAD + "".join(lines)
    assert len(lines) > 30
    assert found == TABLE.read_text(), f"if this is meant, it becomes {TABLE.name}:\n{found}"


def test_a_cached_read_that_a_process_knows_asks_nobody(app, world, monkeypatch) -> None:
    for module, name in ((quota_leases, "_SECONDS"), (backend_cache, "_HERE_SECONDS")):
        monkeypatch.setattr(module, name, 3600.0)
    wire, paths = (
        Wire(app, monkeypatch),
        [path for path in HOT if path.startswith(("/tokens", "/predictions"))],
    )
    for path in paths * 5:
        assert world.get(path).status_code == 200
    found = wire.counted(lambda: [world.get(path) for path in paths])
    assert found == Counted()


def test_a_purchase_of_today_costs_as_much_with_ten_times_the_history(
    app, client, owner_db, monkeypatch
) -> None:
    monkeypatch.setattr(quota_leases, "PART", 10**9)
    few, many = (_buying(app, client, monkeypatch, days) for days in (6, 60))
    assert few == many
    assert few.statements <= PURCHASE


def test_a_purchase_of_today_leaves_the_worker_nothing(client, owner_db) -> None:
    person = new_person(client)
    mine = books.make(person)
    books.trade(person, mine, "buy", "BTC", 1, 100, NOW.isoformat())
    assert owner_db.execute(_JOBS, [person.id]).fetchone() == (0,)
    now = exact(person.get(f"/portfolios/{mine['id']}"))["portfolio"]
    assert (now["isPending"], now["valuedAt"]) == (False, "2026-03-10T12:30:00Z")
    books.trade(person, mine, "buy", "BTC", 1, 100)
    assert owner_db.execute(_JOBS, [person.id]).fetchone() == (1,)


def _buying(app, client, monkeypatch, days: int) -> Counted:
    """What a purchase of today costs whose token was bought and sold on so many days."""
    person = new_person(client)
    mine = books.make(person)
    past = [
        {"type": kind, "tokenSymbol": "BTC", "amount": 1, "price": 100, "timestamp": at.isoformat()}
        for day in range(1, days)
        for at in [NOW - timedelta(days=day)]
        for kind, at in (("buy", at), ("sell", at + timedelta(hours=1)))
    ]
    told = person.post("/transactions/bulk", {"portfolioId": mine["id"], "transactions": past})
    assert told.status_code == 201, told.text
    wire = Wire(app, monkeypatch)
    return wire.counted(lambda: books.trade(person, mine, "buy", "BTC", 1, 100, NOW.isoformat()))


def _reads(app, client, ids) -> list[tuple[Route, str]]:
    return [
        (route, route.path(ids))
        for route in sorted(routes(app, client), key=lambda each: each.rule)
        if route.method == "GET" and not PASSED_OVER.search(route.rule)
    ]


def _line(route: Route, cost: Counted) -> str:
    return f"{route.rule:<62}{cost.redis:>6}{cost.postgres:>9}{cost.statements:>11}\n"


def test_no_statement_of_a_hot_read_reads_more_with_history(
    app, world, owner_db, module_database, monkeypatch
) -> None:
    statements = _statements(app, world, HOT, monkeypatch)
    assert len(statements) >= 8
    before = [_rows_read(module_database.api, world, each) for each in statements]
    _history(owner_db, world, days=600)
    for (query, _), few in zip(statements, before, strict=True):
        many = _rows_read(module_database.api, world, (query, _))
        assert many <= few + 5, f"reads {many} rows instead of {few}: {query}"


def test_the_newest_trades_are_read_without_those_behind_them(
    app, client, owner_db, module_database, monkeypatch
) -> None:
    for _ in range(8):
        person = new_person(client)
        mine = books.make(person)
        books.trade(person, mine, "buy", "BTC", 1, 100)
        owner_db.execute(_TRADES, {"portfolio": mine["id"], "count": 400})
    owner_db.execute("analyze app.transactions")
    paths = (
        f"/portfolios/{mine['id']}",
        "/transactions",
        f"/transactions?portfolioId={mine['id']}",
    )
    pages = [each for each in _statements(app, person, paths, monkeypatch) if "limit %(" in each[0]]
    assert len(pages) == 3
    for each in pages:
        assert _rows_read(module_database.api, person, each) < 400, each[0]


def _statements(app, world, paths, monkeypatch) -> list[tuple[str, Any]]:
    """Those of these reads, made anew, with their parameters."""
    seen: dict[str, Any] = {}
    execute = psycopg.Cursor.execute

    def noting(self, query, params=None, **options):
        seen.setdefault(query.decode() if isinstance(query, bytes) else query, params)
        return execute(self, query, params, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", noting)
    app.extensions[EXTENSION].changes.tell()
    app.extensions[EXTENSION].cache._client.flushdb()
    for path in paths:
        assert world.get(path).status_code == 200, path
    monkeypatch.undo()
    return [(query, params) for query, params in seen.items() if " from " in query]


def _rows_read(url: str, world: Person, statement: tuple[str, Any]) -> int:
    """Rows that the plan's scans touch, those that they throw away included."""
    query, params = statement
    with psycopg.connect(url, options=OPTIONS) as conn:
        conn.execute(
            "select set_config('app.user_id', %s, true), set_config('app.scope', 'authentication', true)",
            [world.id],
        )
        # A table of a few pages is read as a whole, whatever the index would spare.
        conn.execute("set local enable_seqscan = off")
        ((plans,),) = conn.execute(f"explain (analyze, format json) {query}", params)
    return _touched(plans[0]["Plan"])


def _touched(plan: dict[str, Any]) -> int:
    below = sum(_touched(each) for each in plan.get("Plans", []))
    if "Scan" not in plan["Node Type"] or plan["Node Type"] == "Subquery Scan":
        return below
    thrown = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    return below + int((plan["Actual Rows"] + thrown) * plan["Actual Loops"])


def _build_marts(conn: psycopg.Connection, days: int) -> None:
    """Indicators and closes of so many days in tables like those that dbt builds."""
    conn.execute(
        """
        drop table if exists marts.ml_features_daily, marts.fct_prices_daily, marts.fct_token_stats;
        create table marts.fct_token_stats (
            token_id uuid primary key, all_time_high numeric(38, 18), all_time_high_date date, all_time_low numeric(38, 18),
            all_time_low_date date
        );
        create table marts.ml_features_daily (
            token_id uuid, price_date date, close numeric(38, 18), rsi_14 float8, macd float8, macd_signal float8,
            bollinger_upper float8, bollinger_middle float8, bollinger_lower float8, volume_ratio_30d float8,
            is_final boolean
        );
        create unique index on marts.ml_features_daily (token_id, price_date);
        create table marts.fct_prices_daily (
            token_id uuid, price_date date, open numeric(38, 18), high numeric(38, 18), low numeric(38, 18),
            close numeric(38, 18), volume numeric(38, 18), source text, is_filled boolean, is_final boolean,
            close_at timestamptz
        );
        create unique index on marts.fct_prices_daily (token_id, price_date);
        grant select on all tables in schema marts to coinsphere_api;
        """
    )
    _add_days(conn, 1, days)


def _add_days(conn: psycopg.Connection, first: int, last: int) -> None:
    """Candles, closes and indicators of each token from the `last` to the `first` day before now."""
    span = {"from": NOW.date() - timedelta(days=last), "to": NOW.date() - timedelta(days=first)}
    every = "from market.tokens t, generate_series(%(from)s::date, %(to)s, '1 day') d"
    conn.execute(
        f"insert into marts.ml_features_daily select t.id, d, 1, 1, 1, 1, 1, 1, 1, 1, true {every}",
        span,
    )
    conn.execute(
        f"insert into marts.fct_prices_daily select t.id, d, 1, 1, 1, 1, 1, 'kraken', false, true, d {every}",
        span,
    )
    conn.execute(
        f"""
        insert into market.price_data (token_id, interval, opened_at, open, high, low, close, source, is_final, observed_at)
        select t.id, '1d', d, 1, 1, 1, 1, 'kraken', true, d {every} on conflict do nothing
        """,
        span,
    )
    conn.execute("analyze")


def _history(conn: psycopg.Connection, world: Person, days: int) -> None:
    """Ten and more times the days, and as many sessions that have ended."""
    _add_days(conn, 31, days)
    conn.execute(
        """
        insert into app.sessions (user_id, created_at, last_seen_at, authenticated_at, expires_at, revoked_at, revoke_reason)
        select %s, %s, %s, %s, %s, %s, 'logout' from generate_series(1, 300)
        """,
        [world.id, NOW, NOW, NOW, NOW + timedelta(days=1), NOW],
    )
    conn.execute("analyze")
