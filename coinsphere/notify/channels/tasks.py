"""The worker's tasks of channels."""

import asyncio
from datetime import UTC, datetime

import psycopg
from procrastinate import App
from psycopg import Connection

from coinsphere import log
from coinsphere.clock import utc_now
from coinsphere.jobs.cron import CRONS
from coinsphere.jobs.retries import RetryPolicy
from coinsphere.notify.channels import outbox
from coinsphere.notify.channels.delivery import SIDE_BY_SIDE, Books, Courier
from coinsphere.notify.channels.posting import Poster
from coinsphere.security.symmetric_keys import SymmetricKeys
from coinsphere.settings import Settings

_OPTIONS = "-c timezone=UTC -c search_path=app,market,model,jobs,public"
_log = log.get("channels")


def add(app: App, settings: Settings) -> None:
    """Register the tasks of channels with the worker's app."""
    # What a receiver does is no failure of the job; the minute's tick takes up what waits.
    retry_policy = RetryPolicy(
        max_attempts=6, exponential_wait=4, retry_exceptions=(psycopg.Error,)
    )
    keys = SymmetricKeys(settings.encryption_keys)

    def connect() -> Connection:
        return psycopg.connect(settings.dsn, autocommit=True, connect_timeout=5, options=_OPTIONS)

    async def deliver(conn: Connection) -> int:
        is_private_allowed = settings.channel_private_networks
        poster = Poster(is_private_allowed=is_private_allowed, connections=SIDE_BY_SIDE)
        async with poster:
            return await Courier(Books(conn, utc_now), keys, poster.post).deliver()

    @app.task(name=outbox.TASK, queue=outbox.QUEUE, retry=retry_policy)
    def deliver_messages() -> None:
        with connect() as conn:
            taken = asyncio.run(deliver(conn))
            outbox.wake_due(conn, utc_now())
        _log.info("channels", taken=taken)

    @app.periodic(cron=CRONS["wake_channels"])
    @app.task(name="wake_channels", queue="housekeeping", queueing_lock="wake_channels")
    def wake_channels(timestamp: int) -> None:
        """Deliver what became due: retries, ends of quiet hours, digests; forget what was settled long ago."""
        now = datetime.fromtimestamp(timestamp, UTC)
        with connect() as conn:
            outbox.forget(conn, now)
            outbox.wake_due(conn, now)
