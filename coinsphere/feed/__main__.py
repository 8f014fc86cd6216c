"""The feed process: `python -m coinsphere.feed`."""

import asyncio
import signal
from contextlib import closing, suppress

import psycopg
from prometheus_client import REGISTRY
from psycopg_pool import PoolTimeout

from coinsphere import log
from coinsphere.clock import utc_now
from coinsphere.db.pool import Database
from coinsphere.market import origin
from coinsphere.observability import exposition, faults
from coinsphere.settings import Settings

_LOOK_SECONDS = 30.0
_log = log.get("feed")


async def run(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; ends with status 1 where a part of it breaks, to be started anew."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    exposition.serve(settings, settings.feed_metrics_port)
    with closing(Database(settings.dsn, size=3, statement_timeout_ms=60_000).open()) as database:
        working = asyncio.create_task(_work(settings, database))
        stopping = asyncio.create_task(stopped.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            _log.error("the feed broke", exc_info=working.exception())
            raise SystemExit(1)
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working


async def _work(settings: Settings, database: Database) -> None:
    is_wanted = await asyncio.to_thread(_is_wanted, settings, database)
    while not is_wanted:
        await asyncio.sleep(_LOOK_SECONDS)
        is_wanted = await asyncio.to_thread(_is_wanted, settings, database)
    # ccxt takes two seconds and 80 MB, for nothing where the market is simulated.
    from coinsphere.feed.alerts import Alerts  # noqa: PLC0415
    from coinsphere.market.feed.figures import FeedFigures  # noqa: PLC0415
    from coinsphere.market.feed.process import Feed  # noqa: PLC0415

    alerts = Alerts(settings).evaluate if settings.alerts_on_consensus else None
    feed = Feed(settings, database, utc_now, alerts)
    REGISTRY.register(FeedFigures(feed))
    await feed.run()


def _is_wanted(settings: Settings, database: Database) -> bool:
    """Whether there is a market to stream; no, too, while the database is away."""
    try:
        with database.connection() as conn:
            taken = origin.get(conn)
    except (psycopg.OperationalError, PoolTimeout) as error:
        _log.warning("the database is away", error=str(error))
        return False
    is_live = taken is not None and taken.source == "live"
    if not (is_live and settings.market_feed):
        _log.info("there is nothing to stream", market=taken and taken.source)
    return is_live and settings.market_feed


def main() -> None:
    """Run the process."""
    settings = Settings.from_env()
    log.configure(settings.log_level)
    faults.start(settings, "feed")
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
