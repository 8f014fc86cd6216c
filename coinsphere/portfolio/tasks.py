"""The worker's tasks of portfolios."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from uuid import UUID

import psycopg
from procrastinate import App, JobContext
from psycopg_pool import ConnectionPool

from coinsphere import log
from coinsphere.clock import utc_now
from coinsphere.jobs.retries import RetryPolicy
from coinsphere.portfolio import invalidations
from coinsphere.portfolio.imports import batches, importing
from coinsphere.portfolio.jobs import recompute, syncs
from coinsphere.settings import Settings

_OPTIONS = "-c timezone=UTC -c search_path=app,market,model,jobs,public"
_MOST_CONNECTIONS = 6
"""Of the jobs that run at once, and for what one that failed gives up."""
_IDLE_SECONDS = 60.0
"""For which a connection is kept: people book one transaction after another, and go."""
_log = log.get("portfolios")

GiveUp = Callable[[psycopg.Connection, UUID, datetime, str], None]


def add(app: App, settings: Settings) -> None:
    """Register the tasks of portfolios with the worker's app."""
    # What is marked stays marked until it is done, so any later job does it, too.
    retry_policy = RetryPolicy(
        max_attempts=6, exponential_wait=3, retry_exceptions=(OSError, psycopg.Error)
    )

    connections = _connections(settings)

    @contextmanager
    def connect() -> Iterator[psycopg.Connection]:
        connections.open()
        with connections.connection() as conn:
            yield conn

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


def _connections(settings: Settings) -> ConnectionPool[psycopg.Connection]:
    """A connection made for a job costs as much as the job: a process, a login, and plans of statements that run once."""
    return ConnectionPool(
        settings.dsn,
        open=False,
        min_size=0,
        max_size=_MOST_CONNECTIONS,
        timeout=5.0,
        max_idle=_IDLE_SECONDS,
        check=ConnectionPool.check_connection,
        num_workers=1,
        kwargs={"autocommit": True, "connect_timeout": 5, "options": _OPTIONS},
    )
