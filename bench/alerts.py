"""What a minute of a million alerts costs PostgreSQL and Python together: 100,000 users with ten each, one of them on a portfolio."""

import os
from datetime import UTC, datetime, timedelta

import psycopg

from bench.capacity import made_up_users
from bench.capacity.made_up_users import Crowd
from bench.ingestion import database
from bench.measure import Measure
from bench.serving import cpu_seconds
from coinsphere import garbage
from coinsphere.alerts import evaluation
from coinsphere.alerts.mails import AlertMails
from coinsphere.flags.client import Flags
from coinsphere.local.postgres import SUPERUSER, PostgresServer

_CROWD = Crowd(100_000, transactions=5)
_OPTIONS = "-c search_path=app,market,model,jobs,public -c timezone=UTC"
_MAILS = AlertMails(Flags("production"), "https://bench.example")
_QUOTE = "update market.quotes set observed_at = %(now)s, price = price * %(factor)s"
_FACTOR = 1.00245
"""Brings 24 of a thousand prices to the next threshold, half of them from the other side: about one alert of a hundred fires."""
_MOST = 10_000


def run() -> list[Measure]:
    """A minute in which no price moves, and one in which one alert of a hundred fires, each with its commit."""
    with database() as (server, pid):
        now = datetime.now(UTC)
        _fill(server, now)
        garbage.spare_what_is_loaded()  # as the code server does ahead of its first minute
        with psycopg.connect(server.url("coinsphere_owner"), options=_OPTIONS) as conn:
            _minute(conn, pid, now, 1)
            quiet, _ = _minute(conn, pid, now + timedelta(minutes=1), 1)
            firing, fired = _minute(conn, pid, now + timedelta(minutes=2), _FACTOR)
    return [
        Measure("a million alerts, nothing fires: CPU", quiet, "s", target=0.2),
        Measure(
            "a million alerts, 1 % fires: CPU of 10,000", firing * _MOST / fired, "s", target=2
        ),
    ]


def _fill(server: PostgresServer, now: datetime) -> None:
    with made_up_users.connect(server.url(SUPERUSER)) as conn:
        made_up_users.prepare(conn, now)
        made_up_users.fill(conn, _CROWD, now)


def _minute(conn: psycopg.Connection, pid: int, now: datetime, factor: float) -> tuple[float, int]:
    """CPU seconds of an evaluation of quotes that moved by a factor, and how many alerts fired."""
    conn.execute(_QUOTE, {"now": now, "factor": factor})
    conn.commit()
    before = _spent(pid)
    report = evaluation.evaluate(conn, now, timedelta(minutes=5), _MAILS)
    conn.commit()
    return _spent(pid) - before, report.fired


def _spent(pid: int) -> float:
    """CPU seconds of PostgreSQL and of this process."""
    own = os.times()
    return cpu_seconds(pid) + own.user + own.system
