"""The worker's tasks of portfolios."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from uuid import UUID

import psycopg
from procrastinate import App, JobContext

from coinsphere import log
from coinsphere.clock import utc_now
from coinsphere.jobs.retries import RetryPolicy
from coinsphere.portfolio import invalidations
from coinsphere.portfolio.imports import batches, importing
from coinsphere.portfolio.jobs import recompute, syncs
from coinsphere.settings import Settings

_OPTIONS = "-c timezone=UTC -c search_path=app,market,model,jobs,public"
_log = log.get("portfolios")

GiveUp = Callable[[psycopg.Connection, UUID, datetime, str], None]


def add(app: App, settings: Settings) -> None:
    """Register the tasks of portfolios with the worker's app."""
    # What is marked stays marked until it is done, so any later job does it, too.
    retry_policy = RetryPolicy(
        max_attempts=6, exponential_wait=3, retry_exceptions=(OSError, psycopg.Error)
    )

    def connect() -> psycopg.Connection:
        return psycopg.connect(settings.dsn, autocommit=True, connect_timeout=5, options=_OPTIONS)

    @app.task(name=invalidations.TASK, queue=invalidations.QUEUE, retry=retry_policy)
    def update_portfolios(user_id: str) -> None:
        with connect() as conn:
            steps = recompute.update(conn, UUID(user_id), utc_now())
        _log.info("portfolios updated", user_id=user_id, steps=steps)

    def closing(context: JobContext, give_up: GiveUp, what: str) -> AbstractContextManager[None]:
        def close(why: str) -> None:
            with connect() as conn:
                give_up(conn, UUID(what), utc_now(), why)

        return retry_policy.closing(context.job, close)

    @app.task(name=syncs.TASK, queue=invalidations.QUEUE, retry=retry_policy, pass_context=True)
    def sync_portfolio(context: JobContext, sync_id: str) -> None:
        with closing(context, syncs.give_up, sync_id), connect() as conn:
            syncs.run(conn, UUID(sync_id), utc_now)
        _log.info("portfolio synchronised", sync_id=sync_id)

    @app.task(name=batches.TASK, queue=invalidations.QUEUE, retry=retry_policy, pass_context=True)
    def import_transactions(context: JobContext, batch_id: str) -> None:
        with closing(context, importing.give_up, batch_id), connect() as conn:
            importing.run(conn, UUID(batch_id), utc_now)
        _log.info("transactions imported", batch_id=batch_id)
