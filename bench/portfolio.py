"""Portfolios of 500, 15,000 and 400,000 transactions: rebuilds, changes, imports and reads, and how cost grows."""

import json
import math
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import psycopg

from bench.ingestion import _database
from bench.measure import Measure
from coinsphere.portfolio import facts, worker
from coinsphere.portfolio.facts import NewFact
from coinsphere.portfolio.model import Kind

SIZES = (500, 15_000, 400_000)
ASSETS = 250
YEARS = 12
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST = NOW.replace(hour=0) - timedelta(days=365 * YEARS)
_OPTIONS = "-c search_path=app,market,model,jobs,public -c timezone=UTC"

_TOKENS = """
    insert into market.tokens (symbol, name, blockchain)
    select 'BENCH' || n, 'Bench ' || n, 'Bench' from generate_series(1, %(count)s) as n
"""
_PRICES = """
    insert into market.price_data (token_id, interval, opened_at, open, high, low, close, source, is_final, observed_at)
    select t.id, '1d', day, price, price, price, price, 'bench', true, day
    from market.tokens t
    cross join generate_series(%(first)s::timestamptz, %(last)s::timestamptz, interval '1 day') as day
    cross join lateral (
        select round((100 + 50 * sin(extract(epoch from day) / 1e7 + hashtext(t.symbol)))::numeric, 8) as price
    ) as made
    where t.symbol like 'BENCH%%'
"""
_QUOTES = """
    insert into market.quotes (token_id, price, change_24h, source, observed_at)
    select id, 100, 1.5, 'bench', %(now)s from market.tokens where symbol like 'BENCH%%'
"""


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True, options=_OPTIONS)


def prepare(conn: psycopg.Connection) -> list[UUID]:
    """Tokens with twelve years of daily closes and a quote; their ids."""
    conn.execute("insert into market.origin (source) values ('files') on conflict do nothing")
    conn.execute(_TOKENS, {"count": ASSETS})
    span = {"first": FIRST, "last": NOW.replace(hour=0) - timedelta(days=1)}
    conn.execute("select market.ensure_price_partitions(%(first)s::date, %(last)s::date)", span)
    conn.execute(_PRICES, span)
    conn.execute(_QUOTES, {"now": NOW})
    conn.execute("vacuum analyze market.price_data")
    rows = conn.execute("select id from market.tokens where symbol like 'BENCH%' order by symbol")
    return [token_id for (token_id,) in rows]


def add_user(conn: psycopg.Connection, name: str) -> tuple[UUID, UUID]:
    """A user with one portfolio; both ids."""
    user = conn.execute(
        "insert into app.users (email, password_hash) values (%s, 'x') returning id",
        [f"{name}@bench.example"],
    ).fetchone()
    assert user is not None
    portfolio = conn.execute(
        "insert into app.portfolios (user_id, name) values (%s, 'bench') returning id", user
    ).fetchone()
    assert portfolio is not None
    return user[0], portfolio[0]


def generated(portfolio_id: UUID, tokens: list[UUID], count: int) -> Iterator[NewFact]:
    """Facts over twelve years: mostly purchases, sales of less than is held, rewards, fees in a token, swaps."""
    chance = random.Random(count)
    held: dict[UUID, Decimal] = dict.fromkeys(tokens, Decimal(0))
    step = timedelta(days=365 * YEARS) / count
    for n in range(count):
        at = FIRST + n * step
        token = tokens[int(len(tokens) * chance.random() ** 2)]
        amount = Decimal(chance.randint(1, 10**10)).scaleb(-9)
        price = Decimal(chance.randint(5_000, 15_000)).scaleb(-2)
        kind = chance.choices((Kind.BUY, Kind.SELL, Kind.STAKING, Kind.SWAP), (55, 30, 10, 5))[0]
        if kind in (Kind.SELL, Kind.SWAP):
            amount = (held[token] * Decimal(chance.randint(1, 50)) / 100).quantize(Decimal("1e-9"))
            if not amount:
                kind, amount = Kind.BUY, Decimal(1)
        if kind is Kind.SWAP:
            other = tokens[(tokens.index(token) + 1) % len(tokens)]
            held[token] -= amount
            held[other] += amount
            yield NewFact(
                portfolio_id, kind, token, amount, at, counter_token_id=other, counter_amount=amount
            )
            continue
        held[token] += -amount if kind is Kind.SELL else amount
        stated = None if kind is Kind.STAKING else price
        yield NewFact(portfolio_id, kind, token, amount, at, stated, fee=Decimal("0.25"))


def fill(conn: psycopg.Connection, name: str, tokens: list[UUID], count: int) -> tuple[UUID, UUID]:
    """A user with `count` facts, recorded but not booked."""
    user_id, portfolio_id = add_user(conn, name)
    batch: list[NewFact] = []
    for fact in generated(portfolio_id, tokens, count):
        batch.append(fact)
        if len(batch) == 20_000:
            _record(conn, user_id, batch)
            batch = []
    _record(conn, user_id, batch)
    return user_id, portfolio_id


def _record(conn: psycopg.Connection, user_id: UUID, batch: list[NewFact]) -> None:
    with conn.transaction():
        facts.record(conn, user_id, batch, NOW, at_once=False)


def rebuild_seconds(url: str, user_id: UUID) -> dict[str, float]:
    """A full rebuild in a process of its own: seconds, and its peak memory in MB."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.portfolio", "--rebuild", url, str(user_id)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[1],
    )
    return dict(json.loads(done.stdout))


def _rebuild(url: str, user_id: UUID) -> dict[str, float]:
    import resource

    with connect(url) as conn:
        started = time.perf_counter()
        worker.rebuild(conn, user_id, NOW)
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def change_seconds(
    conn: psycopg.Connection, user_id: UUID, portfolio_id: UUID, token: UUID
) -> float:
    """From the commit of a purchase of yesterday until values show it."""
    started = time.perf_counter()
    new = NewFact(portfolio_id, Kind.BUY, token, Decimal(1), NOW - timedelta(days=1), Decimal(100))
    with conn.transaction():
        facts.record(conn, user_id, [new], NOW)
    worker.update(conn, user_id, NOW)
    return time.perf_counter() - started


def exponent(sizes: tuple[int, ...], seconds: list[float]) -> float:
    """The slope of log time over log size: 1 is linear."""
    xs, ys = [math.log(size) for size in sizes], [math.log(each) for each in seconds]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / sum(
        (x - mean_x) ** 2 for x in xs
    )


def run(sizes: tuple[int, ...] = SIZES) -> list[Measure]:
    """All figures, on a durable server and a database of their own."""
    rebuild_targets = {15_000: 10.0, 400_000: 120.0}
    measures: list[Measure] = []
    seconds: list[float] = []
    with _database() as url, connect(url) as conn:
        tokens = prepare(conn)
        for size in sizes:
            user_id, portfolio_id = fill(conn, f"of{size}", tokens, size)
            conn.execute("vacuum analyze app.transactions, app.ledger_entries")
            found = rebuild_seconds(url, user_id)
            seconds.append(found["seconds"])
            name = f"full rebuild of {size:,} transactions"
            measures += [
                Measure(name, found["seconds"], "s", rebuild_targets.get(size)),
                Measure(f"peak memory of the {name}", found["peak"], "MB", 1000),
            ]
            change = change_seconds(conn, user_id, portfolio_id, tokens[0])
            measures.append(
                Measure(
                    f"a change at the end of {size:,} transactions until values show it",
                    change,
                    "s",
                    1,
                )
            )
    if len(sizes) > 1:
        measures.append(
            Measure("exponent of a rebuild's growth", exponent(sizes, seconds), "", 1.0)
        )
    return measures


if __name__ == "__main__":
    if sys.argv[1:2] == ["--rebuild"]:
        print(json.dumps(_rebuild(sys.argv[2], UUID(sys.argv[3]))))
    else:
        for measure in run(tuple(int(size) for size in sys.argv[1:]) or SIZES):
            print(measure)
