"""The worker's tasks of accounts."""

from datetime import timedelta

import psycopg
from procrastinate import App

from coinsphere import log
from coinsphere.accounts import maintenance, password_resets
from coinsphere.clock import utc_now
from coinsphere.jobs.cron import CRONS
from coinsphere.jobs.retries import RetryPolicy
from coinsphere.settings import Settings

RESET_LIFE = timedelta(minutes=30)
_OPTIONS = "-c timezone=UTC -c search_path=app,market,model,jobs,public"
_log = log.get("accounts")


def add(app: App, settings: Settings) -> None:
    """Register the tasks of accounts with the worker's app."""
    retry_policy = RetryPolicy(
        max_attempts=6, exponential_wait=3, retry_exceptions=(OSError, psycopg.Error)
    )

    def connect() -> psycopg.Connection:
        return psycopg.connect(settings.dsn, connect_timeout=5, options=_OPTIONS)

    @app.task(name=password_resets.TASK, queue=password_resets.QUEUE, retry=retry_policy)
    def send_password_reset(email: str) -> None:
        with connect() as conn:
            password_resets.send_link(conn, email, settings.pages_url, RESET_LIFE, utc_now())

    @app.periodic(cron=CRONS["incomplete_logins"])
    @app.task(name="incomplete_logins", queue="housekeeping", queueing_lock="incomplete_logins")
    def tell_of_incomplete_logins(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
        """Tell the owners of accounts of logins that lack their second factor."""
        with connect() as conn:
            mails = maintenance.tell_of_incomplete_logins(conn, utc_now())
        if mails:
            _log.info("incomplete logins", told=mails)

    @app.periodic(cron=CRONS["account_upkeep"])
    @app.task(name="account_upkeep", queue="housekeeping", queueing_lock="account_upkeep")
    def forget_expired(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
        """Forget challenges, counters and mails that nobody needs any more."""
        with connect() as conn:
            maintenance.forget_expired(conn, utc_now())
