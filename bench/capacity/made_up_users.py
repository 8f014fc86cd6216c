"""Users, alerts and transactions by the million, written by the database itself: `insert … select generate_series`.

Each row is one that the product would have written: `tests/integration/capacity` has the product book a user's facts anew
and compares. Ids are random, as the product's are, but follow from a number (`md5`), so that no statement has to look one
up. Rows come as in life, the k-th of every user before anybody's next: those of one user lie on pages far apart.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import sql

TOKENS = 31
YEARS = 2
PRICE = 100
"""US dollars, of every token on every day: what a figure costs does not hang on it."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many users, and what each has; `tokens` of them held, at most as many as transactions."""

    users: int
    alerts: int = 10
    transactions: int = 20
    tokens: int = 5

    @property
    def parameters(self) -> dict[str, int]:
        """For the statements."""
        return {"users": self.users, "transactions": self.transactions, "held": self.tokens}


def connect(url: str) -> psycopg.Connection:
    """A connection of the superuser's: no foreign key is checked, no trigger fires, no commit waits for the disk."""
    options = (
        "-c search_path=app,market,model,jobs,public -c timezone=UTC -c synchronous_commit=off"
        " -c session_replication_role=replica -c maintenance_work_mem=512MB"
    )
    return psycopg.connect(url, autocommit=True, options=options)


def prepare(conn: psycopg.Connection, now: datetime) -> None:
    """Tokens in the order of their symbols, with a quote and two years of closes; a table of indicators that is small."""
    span = {"first": first_day(now), "last": last_day(now)}
    conn.execute("insert into market.origin (source) values ('files') on conflict do nothing")
    conn.execute("create unlogged table public.held_tokens (place int primary key, id uuid)")
    conn.execute("grant select on public.held_tokens to public")
    conn.execute(_TOKENS, {"count": TOKENS})
    conn.execute("select market.ensure_price_partitions(%(first)s::date, %(last)s::date)", span)
    conn.execute(_PRICES, {**span, "price": PRICE})
    conn.execute(_QUOTES, {"now": now, "price": PRICE})
    conn.execute("vacuum analyze market.price_data, market.quotes, market.tokens")


def fill(conn: psycopg.Connection, crowd: Crowd, now: datetime) -> None:
    """All rows of a crowd, into empty tables whose indexes are built when the rows are there."""
    given = {**crowd.parameters, "first": first_day(now), "days": 365 * YEARS, "price": PRICE}
    given |= {"now": now, "last": last_day(now), "alerts": crowd.alerts}
    with _long_log(conn), _indexes_afterwards(conn):
        for statement in (_USERS, _SESSIONS, _PORTFOLIOS, _STATES, _VALUES):
            conn.execute(statement, given)
        for number in range(crowd.tokens):
            conn.execute(_HOLDINGS, {**given, "k": number})
        for number in range(crowd.transactions):
            for statement in (_TRANSACTIONS, _ENTRIES, _POSITIONS, _FLOWS, _LOTS):
                conn.execute(statement, {**given, "k": number})
        for number in range(crowd.alerts):
            conn.execute(_ALERTS, {**given, "k": number})
    conn.execute("vacuum analyze")


def first_day(now: datetime) -> datetime:
    """Midnight of the day of everybody's first transaction."""
    return _midnight(now) - timedelta(days=365 * YEARS)


def last_day(now: datetime) -> datetime:
    """Midnight of the last day that has a close."""
    return _midnight(now) - timedelta(days=1)


def _midnight(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@contextmanager
def _long_log(conn: psycopg.Connection) -> Iterator[None]:
    """With few checkpoints, each of which would write whole pages of random ids anew, and no vacuum of what still grows."""
    for name, value in _FILLING.items():
        conn.execute(sql.SQL("alter system set {} = {}").format(sql.Identifier(name), value))
    conn.execute("select pg_reload_conf()")
    yield
    for name in _FILLING:
        conn.execute(sql.SQL("alter system reset {}").format(sql.Identifier(name)))
    conn.execute("select pg_reload_conf()")


@contextmanager
def _indexes_afterwards(conn: psycopg.Connection) -> Iterator[None]:
    """Without the indexes that no constraint needs: built at once they take a fraction of the time."""
    indexes = conn.execute(_PLAIN_INDEXES, {"tables": list(TABLES)}).fetchall()
    for name, _ in indexes:
        conn.execute(sql.SQL("drop index app.{}").format(sql.Identifier(name)))
    yield
    for _, definition in indexes:
        conn.execute(definition)


TABLES = ("users", "sessions", "portfolios", "portfolio_states", "portfolio_values_daily", "holdings", "transactions",
          "ledger_entries", "positions", "position_flows", "lots", "alerts")  # fmt: skip
_FILLING = {
    "max_wal_size": "12GB",
    "checkpoint_timeout": "20min",
    "autovacuum": "off",
    # A machine that stops while it is filled leaves nothing that anybody wants.
    "fsync": "off",
    "full_page_writes": "off",
}
_PLAIN_INDEXES = """
    select i.indexname, i.indexdef
    from pg_indexes i
    where i.schemaname = 'app' and i.tablename = any(%(tables)s)
        and not exists (select from pg_constraint c where c.conname = i.indexname and c.connamespace = 'app'::regnamespace)
"""
_TOKENS = """
    insert into public.held_tokens
    select row_number() over (order by symbol) - 1, id from market.tokens where is_active order by symbol limit %(count)s
"""
_PRICES = """
    insert into market.price_data
        (token_id, interval, opened_at, open, high, low, close, source, is_final, observed_at, ingested_at)
    select id, '1d', day, %(price)s, %(price)s, %(price)s, %(price)s, 'kraken', true, day, day + interval '1 day'
    from public.held_tokens
    cross join generate_series(%(first)s::timestamptz, %(last)s::timestamptz, interval '1 day') as day
"""
_QUOTES = """
    insert into market.quotes (token_id, price, volume_24h, change_24h, source, observed_at)
    select id, %(price)s, 1000, 1.5, 'kraken', %(now)s from public.held_tokens
    on conflict (token_id) do update set price = excluded.price, observed_at = excluded.observed_at
"""
_USERS = """
    insert into app.users (id, email, password_hash, email_verified)
    select md5('user' || n)::uuid, 'user' || n || '@capacity.example', 'x', true from generate_series(1, %(users)s) as n
"""
_SESSIONS = """
    insert into app.sessions (id, user_id, expires_at)
    select md5('session' || n)::uuid, md5('user' || n)::uuid, %(now)s + interval '30 days'
    from generate_series(1, %(users)s) as n
"""
_PORTFOLIOS = """
    insert into app.portfolios (id, user_id, name)
    select md5('portfolio' || n)::uuid, md5('user' || n)::uuid, 'mine' from generate_series(1, %(users)s) as n
"""
_STATES = """
    insert into app.portfolio_states (portfolio_id, user_id, transaction_count, revision, first_day, valued_at)
    select md5('portfolio' || n)::uuid, md5('user' || n)::uuid, %(transactions)s, 1, %(first)s::date, %(now)s
    from generate_series(1, %(users)s) as n
"""
# Of the last closed day alone: a year of days is a hundred gigabytes for a million users. A sample gets all of its days.
_VALUES = """
    insert into app.portfolio_values_daily
        (portfolio_id, day, user_id, value, cost, uncosted_assets, inflow, outflow, growth, priced_assets, filled_assets,
         unpriced_assets)
    select md5('portfolio' || n)::uuid, %(last)s::date, md5('user' || n)::uuid, 2 * %(transactions)s * %(price)s,
        2 * %(transactions)s * %(price)s, 0, 0, 0, 1, %(held)s, 0, 0
    from generate_series(1, %(users)s) as n
"""
_HOLDINGS = """
    insert into app.holdings (portfolio_id, token_id, amount, average_buy_price, source)
    select md5('portfolio' || n)::uuid, t.id,
        2 * (%(transactions)s / %(held)s + (%(k)s < %(transactions)s %% %(held)s)::int), %(price)s, 'ledger'
    from generate_series(1, %(users)s) as n
    join public.held_tokens t on t.place = (n * 7 + %(k)s) %% 31
"""
# Purchases of two units, of the user's tokens in turn, at even distances over the two years.
_FACTS = """
    select n, md5('user' || n)::uuid as user_id, md5('portfolio' || n)::uuid as portfolio_id,
        md5('transaction' || n || '-' || %(k)s)::uuid as fact_id, t.id as token_id,
        %(first)s::date + %(days)s * %(k)s / %(transactions)s as day,
        case when %(k)s + %(held)s < %(transactions)s
            then %(first)s::date + %(days)s * (%(k)s + %(held)s) / %(transactions)s
            else 'infinity'::date
        end as until_day,
        1 + %(k)s / %(held)s as number
    from generate_series(1, %(users)s) as n
    join public.held_tokens t on t.place = (n * 7 + %(k)s %% %(held)s) %% 31
"""
_TRANSACTIONS = f"""
    insert into app.transactions
        (id, fact_id, user_id, portfolio_id, token_id, type, amount, price, occurred_at, place)
    select fact_id, fact_id, user_id, portfolio_id, token_id, 'buy', 2, %(price)s,
        day::timestamp at time zone 'UTC' + interval '12 hours', n::bigint * %(transactions)s + %(k)s
    from ({_FACTS}) as facts
"""
_ENTRIES = f"""
    insert into app.ledger_entries (user_id, portfolio_id, transaction_id, account, token_id, currency, amount)
    select user_id, portfolio_id, fact_id, account, case when is_token then token_id end,
        case when not is_token then 'USD' end, amount
    from ({_FACTS}) as facts
    cross join (values
        ('holding', true, 2), ('trade', true, -2), ('trade', false, 2 * %(price)s), ('external', false, -2 * %(price)s)
    ) as postings (account, is_token, amount)
"""
_POSITIONS = f"""
    insert into app.positions (portfolio_id, token_id, user_id, from_day, until_day, amount, cost, uncosted)
    select portfolio_id, token_id, user_id, day, until_day, 2 * number, 2 * number * %(price)s, 0
    from ({_FACTS}) as facts
"""
_FLOWS = f"""
    insert into app.position_flows
        (portfolio_id, token_id, user_id, day, money_in, money_out, amount_in, amount_out, swap_in, swap_out, income)
    select portfolio_id, token_id, user_id, day, 2 * %(price)s, 0, 0, 0, 0, 0, 0
    from ({_FACTS}) as facts
"""
_LOTS = f"""
    insert into app.lots (user_id, token_id, number, portfolio_id, account, fact_id, acquired_at, opened_at, quantity, cost)
    select user_id, token_id, number, portfolio_id, '', fact_id, day::timestamp at time zone 'UTC' + interval '12 hours',
        day::timestamp at time zone 'UTC' + interval '12 hours', 2, 2 * %(price)s
    from ({_FACTS}) as facts
"""
# Of ten, one watches the portfolio, one the change of a day and eight a price, up to 10 percent below and above the present one.
_ALERTS = """
    insert into app.alerts (user_id, token_id, portfolio_id, alert_type, condition, threshold, last_value)
    select md5('user' || n)::uuid, case when kind.is_of_token then t.id end,
        case when not kind.is_of_token then md5('portfolio' || n)::uuid end, kind.name,
        case when %(k)s %% 2 = 0 then 'above' else 'below' end,
        case kind.name
            when 'portfolio' then 4 * %(transactions)s * %(price)s
            when 'percent_change' then 10
            else %(price)s * (1 + (case when %(k)s %% 2 = 0 then 1 else -1 end) * (1 + n %% 1000) / 10000.0)
        end,
        case kind.name
            when 'portfolio' then 2 * %(transactions)s * %(price)s
            when 'percent_change' then 1.5
            else %(price)s
        end
    from generate_series(1, %(users)s) as n
    cross join (select case %(k)s %% 10 when 9 then 'portfolio' when 8 then 'percent_change' else 'price' end) as kinds (name)
    cross join lateral (select kinds.name, kinds.name <> 'portfolio') as kind (name, is_of_token)
    join public.held_tokens t on t.place = (n * 7 + %(k)s) %% 31
"""
