"""The worker's tasks of exchanges."""

from datetime import UTC, datetime
from uuid import UUID

import psycopg
from procrastinate import App, JobContext

from coinsphere import log
from coinsphere.clock import utc_now
from coinsphere.errors import RateLimited, Unavailable
from coinsphere.exchanges.accounts import Accounts
from coinsphere.exchanges.errors import Busy
from coinsphere.exchanges.sync import syncs
from coinsphere.jobs.cron import CRONS
from coinsphere.jobs.retries import RetryPolicy
from coinsphere.security.symmetric_keys import SymmetricKeys
from coinsphere.settings import Settings

_OPTIONS = "-c timezone=UTC -c search_path=app,market,model,jobs,public"
_TRIES = 6
_log = log.get("exchanges")


def add(app: App, settings: Settings) -> None:
    """Register the tasks of exchanges with the worker's app."""
    # Waits 5, 25, 125 … seconds: an exchange that is away for an hour is outlived.
    retry_policy = RetryPolicy(
        max_attempts=_TRIES,
        exponential_wait=5,
        retry_exceptions=(OSError, psycopg.Error, Busy, RateLimited, Unavailable),
    )
    shared = settings.redis_url.get_secret_value() if settings.redis_url else None
    accounts = Accounts(settings.exchange_base_url, utc_now, redis_url=shared)
    keys = SymmetricKeys(settings.encryption_keys)

    def connect() -> psycopg.Connection:
        return psycopg.connect(settings.dsn, autocommit=True, connect_timeout=5, options=_OPTIONS)

    def give_up(sync_id: str, why: str) -> None:
        with connect() as conn:
            syncs.give_up(conn, UUID(sync_id), utc_now(), why)

    @app.task(name=syncs.TASK, queue=syncs.QUEUE, retry=retry_policy, pass_context=True)
    def sync_exchange(context: JobContext, sync_id: str) -> None:
        is_last = context.job.attempts >= _TRIES
        with (
            retry_policy.closing(context.job, lambda why: give_up(sync_id, why)),
            connect() as conn,
        ):
            syncs.run(conn, UUID(sync_id), accounts, keys, is_last_try=is_last)
            done = syncs.get(conn, UUID(sync_id))
        if done is not None:
            _log.info("exchange", sync_id=sync_id, status=done.status, imported=done.imported)

    @app.periodic(cron=CRONS["sync_due_exchanges"])
    @app.task(name="sync_due_exchanges", queue="housekeeping", queueing_lock="sync_due_exchanges")
    def sync_due_exchanges(timestamp: int) -> None:
        """Request the syncs whose time has come."""
        with connect() as conn:
            syncs.request_due(conn, datetime.fromtimestamp(timestamp, UTC))
