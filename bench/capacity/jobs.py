"""What is done for everybody: the minute's alerts, the night's valuation; and what the tables weigh, and how they are vacuumed."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg

from bench.capacity import made_up_users
from bench.capacity.made_up_users import Crowd
from bench.capacity.reads import made_id
from bench.serving import Serving, cpu_seconds
from coinsphere.alerts import evaluation
from coinsphere.alerts.mails import AlertMails
from coinsphere.flags.client import Flags
from coinsphere.portfolio.jobs import daily_update, recompute

SAMPLE = 200
"""Portfolios that are valued, of all that are marked."""
_OPTIONS = "-c search_path=app,market,model,jobs,public -c timezone=UTC"
_STALE_AFTER = timedelta(minutes=5)
_MOVE = "update market.quotes set price = price * 1.0002, observed_at = %(now)s"
_SEEN = "update market.quotes set observed_at = %(now)s"
_WAL = "select pg_current_wal_insert_lsn() - '0/0'"
_CLOSES = """
    insert into market.price_data
        (token_id, interval, opened_at, open, high, low, close, source, is_final, observed_at)
    select id, '1d', %(day)s, %(price)s, %(price)s, %(price)s, %(price)s, 'kraken', true, %(day)s from public.held_tokens
"""
# What came of closes before, the portfolios were made from.
_SETTLE = "delete from market.arrivals"
_SIZES = """
    select relname, reltuples, pg_table_size(oid), pg_indexes_size(oid)
    from pg_class
    where relnamespace = 'app'::regnamespace and relname = any(%(tables)s)
"""
Figures = dict[str, float]


def alerts(serving: Serving, crowd: Crowd, now: datetime) -> dict[str, Figures]:
    """A minute in which no price moved, and one in which all did, by a fiftieth of a percent: one alert of 50 fires."""
    mails = AlertMails(Flags("production"), "https://capacity.example")
    with psycopg.connect(serving.database_url, options=_OPTIONS) as conn:

        def evaluate(at: datetime) -> int:
            with conn.transaction():
                return evaluation.evaluate(conn, at, _STALE_AFTER, mails).fired

        # A large crowd takes longer to make than a price is believed.
        conn.execute(_SEEN, {"now": now})
        conn.commit()
        evaluate(now)
        costs = {}
        for name, minutes in (("quiet", 1), ("moving", 2)):
            at = now + timedelta(minutes=minutes)
            if name == "moving":
                conn.execute(_MOVE, {"now": at})
                conn.commit()
            with _costs(serving) as figures:
                figures["fired"] = float(evaluate(at))
            costs[name] = {**figures, "alerts": float(crowd.users * crowd.alerts)}
    return costs


def valuation(serving: Serving, crowd: Crowd, now: datetime) -> dict[str, Figures]:
    """The night after: all portfolios are marked for the new day, a sample of them is valued; `portfolios` says how many."""
    tomorrow = now + timedelta(days=1)
    with psycopg.connect(serving.database_url, autocommit=True, options=_OPTIONS) as conn:
        sample = range(1, crowd.users + 1, max(crowd.users // SAMPLE, 1))[:SAMPLE]
        users = [made_id("user", number) for number in sample]
        with _costs(serving) as whole:
            for user_id in users:
                recompute.rebuild(conn, user_id, now)
        day = made_up_users.last_day(tomorrow)
        conn.execute(_SETTLE)
        conn.execute(_CLOSES, {"day": day, "price": made_up_users.PRICE})
        with _costs(serving) as marked:
            daily_update.mark(conn, tomorrow)
        # What a night does once for everybody would fall on the sample's few.
        conn.execute("vacuum (analyze) app.valuation_marks, app.portfolio_states")
        with _costs(serving) as valued:
            for user_id in users:
                recompute.update(conn, user_id, tomorrow)
    counts = {"portfolios": float(len(users))}
    return {
        "rebuild": {**whole, **counts},
        "mark": {**marked, "portfolios": float(crowd.users)},
        "value": {**valued, **counts},
    }


def tables(serving: Serving) -> dict[str, Figures]:
    """Rows, bytes of rows and of indexes, and seconds that a vacuum takes, of each table of users."""
    with psycopg.connect(serving.superuser_url, autocommit=True) as conn:
        taken = {
            name: _seconds(lambda name=name: _vacuum(conn, name)) for name in made_up_users.TABLES
        }
        rows: Any = conn.execute(_SIZES, {"tables": list(made_up_users.TABLES)}).fetchall()
    return {
        name: {
            "rows": float(count),
            "bytes": float(heap),
            "index_bytes": float(indexes),
            "vacuum_s": taken[name],
        }
        for name, count, heap, indexes in sorted(rows)
    }


def _vacuum(conn: psycopg.Connection, table: str) -> None:
    conn.execute(psycopg.sql.SQL("vacuum (analyze) app.{}").format(psycopg.sql.Identifier(table)))


def _seconds(act: Callable[[], None]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


@contextmanager
def _costs(serving: Serving) -> Iterator[Figures]:
    """Seconds, seconds of CPU here and in PostgreSQL, and bytes of its log, of what is done within."""
    with psycopg.connect(serving.superuser_url, autocommit=True) as conn:

        def read() -> tuple[float, float, float, float]:
            row: Any = conn.execute(_WAL).fetchone()
            own = os.times()
            return (
                time.perf_counter(),
                own.user + own.system,
                cpu_seconds(serving.postgres),
                float(row[0]),
            )

        before = read()
        figures: Figures = {}
        yield figures
        names = ("seconds", "own_cpu_s", "postgres_cpu_s", "wal_bytes")
        figures |= {
            name: end - start for name, start, end in zip(names, before, read(), strict=True)
        }
