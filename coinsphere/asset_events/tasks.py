"""The worker's task of asset events."""

import psycopg
from procrastinate import App

from coinsphere import log
from coinsphere.asset_events import applying
from coinsphere.clock import utc_now
from coinsphere.jobs.cron import CRONS
from coinsphere.jobs.retries import RetryPolicy
from coinsphere.market.reference import asset_events
from coinsphere.settings import Settings

_OPTIONS = "-c timezone=UTC -c search_path=app,market,model,jobs,public"
_log = log.get("asset_events")


def add(app: App, settings: Settings) -> None:
    """Register the task with the worker's app."""
    retry_policy = RetryPolicy(
        max_attempts=6, exponential_wait=3, retry_exceptions=(OSError, psycopg.Error)
    )

    @app.periodic(cron=CRONS[asset_events.TASK])
    @app.task(name=asset_events.TASK, queue=asset_events.QUEUE, retry=retry_policy)
    def apply_asset_events(timestamp: int | None = None) -> None:  # noqa: ARG001  procrastinate passes it
        """Apply events that were recorded or removed, and those that were recorded ahead of their time."""
        with psycopg.connect(
            settings.dsn, autocommit=True, connect_timeout=5, options=_OPTIONS
        ) as conn:
            done = applying.apply_due(conn, utc_now())
        if done:
            _log.info("asset events applied", events=done)
