"""The worker process: takes background jobs from the database until it is told to stop.

A job's steps are transactions, so that it may be cut off at any moment and goes on from its last step. One that is told to stop
gives back what does not end in time, for another to take up at once; what a worker that died left behind is taken up once its
heartbeat is old.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from procrastinate import App, JobContext
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.worker import Worker

from coinsphere import log
from coinsphere.observability import traced_jobs
from coinsphere.settings import Settings
from coinsphere.worker.app import SLOTS, STALLED_SECONDS, build

_POLL_SECONDS = 5.0
"""Jobs are announced by NOTIFY; polling only catches those that are scheduled or whose announcement was missed."""
_NEVER_SECONDS = 3600.0
"""No job of ours is aborted while it runs, so each queue need not ask for it, and that is announced, too."""
_HEARTBEAT_SECONDS = 5.0
_GRACE_SECONDS = 20.0
"""A relay may take so long for an answer; a mail that is cut off is sent again."""
_RECONNECT_SECONDS = 2.0
_LEAVE_SECONDS = 5.0
"""After the grace, for what waits for a server that is away; in all less than containers and the supervisor wait before a SIGKILL."""

_log = log.get("jobs")


async def run(settings: Settings) -> None:
    """Run the worker until SIGTERM or SIGINT. What is under way then may end within a grace; what does not is given back.

    Where PostgreSQL goes away, the worker waits until it is back.
    """
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    # Jobs run in threads, by default as many as there are cores and four.
    threads = ThreadPoolExecutor(sum(SLOTS.values()) + 2, thread_name_prefix="job")
    asyncio.get_running_loop().set_default_executor(threads)
    app, underway = build(settings), Underway()
    traced_jobs.announce(app.tasks)
    while not stopped.is_set():
        if not await _unless(stopped, _open(app, underway)):
            await underway.give_back(app)
            # A thread cannot be stopped: it ends with the process, and its transaction is rolled back.
            os._exit(0)
        await _unless(stopped, asyncio.sleep(_RECONNECT_SECONDS))


class Underway:
    """The jobs that this process has begun and not ended."""

    def __init__(self) -> None:
        self.jobs: dict[int | None, Job] = {}

    async def noted(
        self, call_next: Callable[[], Awaitable[Any]], context: JobContext, _: Worker
    ) -> object:
        """Run a job, known while it runs; a middleware of procrastinate."""
        self.jobs[context.job.id] = context.job
        try:
            return await call_next()
        finally:
            del self.jobs[context.job.id]

    async def give_back(self, app: App) -> None:
        """Let other workers take them up at once, rather than when our heartbeat is old."""
        jobs = list(self.jobs.values())
        _log.warning("jobs given back", jobs={job.id: job.task_name for job in jobs})
        orders = [asyncio.create_task(app.job_manager.retry_job(job)) for job in jobs]
        if orders:
            await asyncio.wait(orders, timeout=_LEAVE_SECONDS)


async def _open(app: App, underway: Underway) -> None:
    """Serve every queue until cancelled; ends where PostgreSQL is away at the beginning."""
    with _told_of_outage():
        async with app.open_async(), asyncio.TaskGroup() as group:
            for queue in SLOTS:
                group.create_task(_serve(app, queue, underway))


async def _serve(app: App, queue: str, underway: Underway) -> None:
    """Work off a queue until cancelled. Where its worker ends by itself, it begins anew."""
    while True:
        with _told_of_outage():
            await app.run_worker_async(
                queues=[queue],
                name=queue,
                concurrency=SLOTS[queue],
                fetch_job_polling_interval=_POLL_SECONDS,
                abort_job_polling_interval=_NEVER_SECONDS,
                update_heartbeat_interval=_HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_SECONDS,
                shutdown_graceful_timeout=_GRACE_SECONDS,
                install_signal_handlers=False,
                worker_middleware=[underway.noted, traced_jobs.traced],
            )
        await asyncio.sleep(_RECONNECT_SECONDS)


@contextmanager
def _told_of_outage() -> Iterator[None]:
    try:
        yield
    except (ConnectorException, psycopg.OperationalError) as error:
        _log.warning("the database is away", error=str(error.__cause__ or error))


async def _unless(stopped: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do `work`, but cancel it when the process is told to stop. Returns whether it ended in time."""
    task, stopping = asyncio.create_task(work), asyncio.create_task(stopped.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_GRACE_SECONDS + _LEAVE_SECONDS)
    if task.done():
        with suppress(asyncio.CancelledError):
            await task
    return task.done()
