"""Made-up portfolios of any size, with the prices that they need, in a database of the benchmark's own."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import psycopg

from coinsphere.portfolio import recording
from coinsphere.portfolio.ledger.transactions import NewFact
from coinsphere.portfolio.model import Kind

ASSETS = 250
YEARS = 12
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST = NOW.replace(hour=0) - timedelta(days=365 * YEARS)
LONGEST = 600
"""Seconds after which a step that does not end breaks the benchmark."""
_OPTIONS = f"-c search_path=app,market,model,jobs,public -c timezone=UTC -c statement_timeout={1000 * LONGEST}"

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


def prepare(conn: psycopg.Connection, assets: int = ASSETS, first: datetime = FIRST) -> list[UUID]:
    """Tokens with daily closes since the first day and a quote; their ids."""
    conn.execute("insert into market.origin (source) values ('files') on conflict do nothing")
    conn.execute(_TOKENS, {"count": assets})
    span = {"first": first, "last": NOW.replace(hour=0) - timedelta(days=1)}
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
        recording.record(conn, user_id, batch, NOW, at_once=False)
