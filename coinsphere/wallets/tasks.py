"""The worker's tasks of wallets."""

from datetime import datetime, timedelta
from uuid import UUID

import psycopg
from procrastinate import App, JobContext
from psycopg import Connection

from coinsphere import log
from coinsphere.chains.nodes import Nodes
from coinsphere.clock import utc_now
from coinsphere.errors import RateLimited, Unavailable
from coinsphere.jobs.cron import CRONS
from coinsphere.jobs.retries import RetryPolicy
from coinsphere.settings import Settings
from coinsphere.wallets import sync

_OPTIONS = "-c timezone=UTC -c search_path=app,market,model,jobs,public"
_TRIES = 1
"""Tries after the first: a person is told within a minute; each hour every wallet is read again."""
_NODE_SECONDS = 8.0
_log = log.get("wallets")

# Every wallet, each hour, at a minute of its own: nodes are not asked for all of them at once.
_DUE = """
    select w.user_id, w.id from app.wallet_connections w
    where w.status <> 'disabled' and abs(hashtextextended(w.id::text, 0)) %% 60 = %(minute)s
"""
_FORGET = """
    delete from app.wallet_syncs where finished_at < %(before)s
"""
_KEPT = timedelta(days=30)


def add(app: App, settings: Settings) -> None:
    """Add them to the worker's app."""
    retry_policy = RetryPolicy(
        max_attempts=_TRIES,
        exponential_wait=4,
        retry_exceptions=(RateLimited, Unavailable, OSError, psycopg.OperationalError),
    )

    def connect() -> Connection:
        return psycopg.connect(settings.dsn, autocommit=True, connect_timeout=5, options=_OPTIONS)

    @app.task(name=sync.TASK, queue=sync.QUEUE, retry=retry_policy, pass_context=True)
    def sync_wallet(context: JobContext, sync_id: str) -> None:
        is_last = context.job.attempts >= _TRIES
        with connect() as conn, Nodes(settings, seconds=_NODE_SECONDS) as nodes:
            sync.run(conn, UUID(sync_id), nodes, utc_now, is_last_try=is_last)
        _log.info("wallet synchronised", sync_id=sync_id)

    @app.periodic(cron=CRONS["sync_due_wallets"])
    @app.task(name="sync_due_wallets", queue="housekeeping", queueing_lock="sync_due_wallets")
    def sync_due_wallets(timestamp: int) -> None:
        """Ask for a sync of the wallets whose minute this is."""
        with connect() as conn:
            request_due(conn, datetime.fromtimestamp(timestamp, utc_now().tzinfo))


def request_due(conn: Connection, minute: datetime) -> int:
    """Ask for a sync of the wallets whose minute of the hour this is; how many they are. Old syncs are forgotten."""
    conn.execute(_FORGET, {"before": minute - _KEPT})
    due = conn.execute(_DUE, {"minute": minute.minute}).fetchall()
    for user_id, wallet_id in due:
        sync.request(conn, user_id, wallet_id)
    return len(due)
