"""The worker process: takes background jobs from the database until it is told to stop.

A worker that dies leaves its job behind; another takes it up once the dead one's heartbeat is old.
"""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from procrastinate import App
from procrastinate.exceptions import ConnectorException

from coinsphere import log
from coinsphere.observability import traced_jobs
from coinsphere.settings import Settings
from coinsphere.worker.app import SLOTS, STALLED_SECONDS, build

_POLL_SECONDS = 5.0
"""Jobs are announced by NOTIFY; polling only catches those that are scheduled or whose announcement was missed."""
_HEARTBEAT_SECONDS = 5.0
_GRACE_SECONDS = 20.0
"""A relay may take so long for an answer; a mail that is cut off is sent again."""
_RECONNECT_SECONDS = 2.0

_log = log.get("jobs")


async def run(settings: Settings) -> None:
    """Run the worker until SIGTERM or SIGINT; a job under way is finished first.

    Where PostgreSQL goes away, the worker waits until it is back.
    """
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    # Jobs run in threads, by default as many as there are cores and four.
    threads = ThreadPoolExecutor(sum(SLOTS.values()) + 2, thread_name_prefix="job")
    asyncio.get_running_loop().set_default_executor(threads)
    app = build(settings)
    traced_jobs.announce(app.tasks)
    while not stopped.is_set():
        await _unless(stopped, _open(app))
        await _unless(stopped, asyncio.sleep(_RECONNECT_SECONDS))


async def _open(app: App) -> None:
    """Serve every queue until cancelled; ends where PostgreSQL is away at the beginning."""
    with _told_of_outage():
        async with app.open_async(), asyncio.TaskGroup() as group:
            for queue in SLOTS:
                group.create_task(_serve(app, queue))


async def _serve(app: App, queue: str) -> None:
    """Work off a queue until cancelled. Where its worker ends by itself, it begins anew."""
    while True:
        with _told_of_outage():
            await app.run_worker_async(
                queues=[queue],
                name=queue,
                concurrency=SLOTS[queue],
                fetch_job_polling_interval=_POLL_SECONDS,
                abort_job_polling_interval=_POLL_SECONDS,
                update_heartbeat_interval=_HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_SECONDS,
                shutdown_graceful_timeout=_GRACE_SECONDS,
                install_signal_handlers=False,
                worker_middleware=[traced_jobs.traced],
            )
        await asyncio.sleep(_RECONNECT_SECONDS)


@contextmanager
def _told_of_outage() -> Iterator[None]:
    try:
        yield
    except (ConnectorException, psycopg.OperationalError) as error:
        _log.warning("the database is away", error=str(error.__cause__ or error))


async def _unless(stopped: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do `work`, but cancel it when the process is told to stop."""
    task, stopping = asyncio.create_task(work), asyncio.create_task(stopped.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not task.done():
        task.cancel()
    with suppress(asyncio.CancelledError):
        await task
