"""Problems that show in no process's own state: failed or stuck jobs, missed ticks, old data, broken books, a changed audit log.

Each is a list of sentences, empty where all is well; `/health` tells only whether one is.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from psycopg import Connection

from coinsphere.audit import verification
from coinsphere.health import backup_progress
from coinsphere.jobs import cron, records
from coinsphere.market import origin
from coinsphere.market.feed import states
from coinsphere.portfolio import integrity
from coinsphere.settings import Settings

CLOSES_AT_MOST = timedelta(hours=51)
"""The last closed day's candle is 48 hours old just before midnight; the daily job has three more."""
FEED_IS_SILENT = timedelta(minutes=2)
"""It beats each 5 s."""
MOST_CONNECTIONS = 0.9
"""Of those that PostgreSQL lets in; the rest is left to who looks what is wrong."""

_AGES = """
    select (select max(observed_at) from market.quotes),
        (select max(opened_at) from market.price_data where interval = '1d' and is_final)
"""
_CONNECTIONS = """
    select sum(numbackends)::int, current_setting('max_connections')::int from pg_stat_database
"""

Check = Callable[[Connection, Settings, datetime], list[str]]


def jobs(conn: Connection, _settings: Settings, _now: datetime) -> list[str]:
    """Background jobs that failed or are stuck, by queue."""
    return records.problems(conn)


def schedules(conn: Connection, _settings: Settings, now: datetime) -> list[str]:
    """The worker's periodic tasks that missed their tick."""
    return cron.of_worker(conn, now)


def data(conn: Connection, settings: Settings, now: datetime) -> list[str]:
    """Quotes and daily closes that are older than they may be. Prices from files are never too old."""
    decided = origin.get(conn)
    if decided is None or decided.source == "files":
        return []
    quoted, closed = conn.execute(_AGES).fetchone() or (None, None)
    return [*_late_feed(conn, settings, decided.source, now), *_old(quoted, closed, settings, now)]


def _late_feed(conn: Connection, settings: Settings, source: str, now: datetime) -> list[str]:
    """Whether the feed of a live market went silent: prices come each minute then, and not each second."""
    feed = states.feed(conn) if source == "live" and settings.market_feed else None
    if feed is None or now - feed.beat_at < FEED_IS_SILENT:
        return []
    return [f"the feed of live prices did not look round since {feed.beat_at:%Y-%m-%d %H:%M} UTC"]


def _old(
    quoted: datetime | None, closed: datetime | None, settings: Settings, now: datetime
) -> list[str]:
    limits = (
        ("quote", quoted, timedelta(seconds=settings.market_stale_seconds)),
        ("closed day", closed, CLOSES_AT_MOST),
    )
    return [
        f"the newest {what} is of {newest:%Y-%m-%d %H:%M} UTC"
        for what, newest, limit in limits
        if newest is not None and now - newest > limit
    ]


def connections(conn: Connection, _settings: Settings, _now: datetime) -> list[str]:
    """Whether PostgreSQL is about to refuse further connections."""
    used, most = conn.execute(_CONNECTIONS).fetchone() or (0, 1)
    return [f"{used} of {most} connections are taken"] if used > MOST_CONNECTIONS * most else []


def backups(conn: Connection, settings: Settings, now: datetime) -> list[str]:
    """Problems of backups: commits that are not stored elsewhere, old base backups, a failed drill."""
    return backup_progress.problems(conn, settings.backup_hours, now)


def audit(conn: Connection, _settings: Settings, _now: datetime) -> list[str]:
    """Whether somebody changed the audit log, by its last verification."""
    problem = verification.last_problem(conn)
    return [f"the log was changed: {problem}"] if problem else []


def books(conn: Connection, _settings: Settings, _now: datetime) -> list[str]:
    """Whether ledger, lots, positions and values contradict each other, by their last check."""
    return integrity.last_problems(conn)


CHECKS: Mapping[str, Check] = {
    "jobs": jobs,
    "schedules": schedules,
    "data": data,
    "connections": connections,
    "backups": backups,
    "audit": audit,
    "books": books,
}


def problems(conn: Connection, settings: Settings, now: datetime) -> dict[str, list[str]]:
    """The sentences of every check, by its name."""
    return {name: check(conn, settings, now) for name, check in CHECKS.items()}
