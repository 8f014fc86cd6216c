"""Background jobs: what a change sets off, run by the worker (`python -m coinsphere.jobs`).

Jobs are rows of the same database (procrastinate), written in the transaction that causes them. A worker that dies
leaves its job behind; another takes it up once the dead one's heartbeat is old.
"""

import asyncio
import logging
import signal
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import psycopg
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException

from coinsphere import housekeeping, job_records, log
from coinsphere.accounts import tasks as accounts
from coinsphere.asset_events import tasks as asset_events
from coinsphere.audit import hourly as audit
from coinsphere.billing import tasks as billing
from coinsphere.clock import utc_now
from coinsphere.exchanges import tasks as exchanges
from coinsphere.notify import data_alarm, disk_alarm, mail, transport
from coinsphere.notify.channels import tasks as channels
from coinsphere.observability import exposition, faults, traced_jobs, traces
from coinsphere.portfolio import tasks as portfolios
from coinsphere.retries import RetryPolicy
from coinsphere.settings import Settings
from coinsphere.ticks import CRONS
from coinsphere.wallets import tasks as wallets

_SEARCH_PATH = "-c search_path=jobs,public -c timezone=UTC"
SLOTS = {
    "mail": 2,
    "channels": 12,
    "portfolios": 3,
    "exchanges": 2,
    "wallets": 2,
    "billing": 2,
    "housekeeping": 2,
}
"""How many jobs of a queue run at once: each queue has slots of its own, so that one that hangs holds up no other."""
_POLL_SECONDS = 5.0
"""Jobs are announced by NOTIFY; polling only catches those that are scheduled or whose announcement was missed."""
_HEARTBEAT_SECONDS = 5.0
_STALLED_SECONDS = 20.0
_GRACE_SECONDS = 20.0
"""A relay may take so long for an answer; a mail that is cut off is sent again."""
_RECONNECT_SECONDS = 2.0
_KEEP_HOURS = 72

_log = log.get("jobs")


def build(settings: Settings) -> App:
    """The app with all its tasks, connected to nothing before it is opened."""
    connector = PsycopgConnector(
        conninfo=settings.dsn,
        kwargs={"options": _SEARCH_PATH, "application_name": "coinsphere-worker"},
        min_size=1,
        max_size=2 * len(SLOTS) + 2,
        timeout=5.0,
    )
    app = App(connector=connector)
    _add_mail(app, settings)
    channels.add(app, settings)
    accounts.add(app, settings)
    asset_events.add(app, settings)
    billing.add(app, settings)
    _add_housekeeping(app, settings)
    portfolios.add(app, settings)
    exchanges.add(app, settings)
    wallets.add(app, settings)
    _add_audit(app, settings)
    _add_alarms(app, settings)
    _add_requests(app, settings)
    return app


def _add_mail(app: App, settings: Settings) -> None:
    carrier = transport.build(settings)

    # Waits 4, 16, 64 … seconds: a relay that is down for a day is outlived.
    retry_policy = RetryPolicy(
        max_attempts=9, exponential_wait=4, retry_exceptions=(OSError, psycopg.Error)
    )

    @app.task(name=mail.TASK, queue=mail.QUEUE, retry=retry_policy)
    def send_mail(mail_id: str) -> None:
        try:
            with psycopg.connect(settings.dsn, autocommit=True, connect_timeout=5) as conn:
                sent = mail.send(conn, UUID(mail_id), carrier, utc_now())
        except Exception as error:
            _log.warning("mail not sent", mail_id=mail_id, error=str(error))
            # The mail tells of it, and a person may try again; of the system nothing is wrong.
            if transport.is_refusal(error):
                return
            raise
        _log.info("mail", mail_id=mail_id, sent=sent)


def _add_housekeeping(app: App, settings: Settings) -> None:
    @app.periodic(cron=CRONS["retry_stalled"])
    @app.task(
        name="retry_stalled", queue="housekeeping", pass_context=True, queueing_lock="retry_stalled"
    )
    async def retry_stalled(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
        """Take up the jobs of workers that died."""
        manager = context.app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_SECONDS):
            _log.warning("stalled job", job_id=job.id, task=job.task_name)
            try:
                await manager.retry_job(job)
            except ConnectorException as error:
                _log.warning("stalled job left", job_id=job.id, error=str(error.__cause__ or error))

    @app.periodic(cron=CRONS["delete_old"])
    @app.task(
        name="delete_old", queue="housekeeping", pass_context=True, queueing_lock="delete_old"
    )
    async def delete_old(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
        """Forget finished jobs; failed ones stay to be looked at, until their work is done."""
        with psycopg.connect(settings.dsn, connect_timeout=5) as conn:
            job_records.forget_done(conn)
        await context.app.job_manager.delete_old_jobs(nb_hours=_KEEP_HOURS)


def _add_alarms(app: App, settings: Settings) -> None:
    @app.periodic(cron=CRONS["watch_disk"])
    @app.task(name="watch_disk", queue="housekeeping", queueing_lock="watch_disk")
    def watch_disk(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
        """Tell of a disk that fills, once a day."""
        disk_alarm.check(settings, utc_now())

    @app.periodic(cron=CRONS["watch_data"])
    @app.task(name="watch_data", queue="housekeeping", queueing_lock="watch_data")
    def watch_data(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
        """Tell what checks set aside and what was refused on arrival, once a day."""
        data_alarm.check(settings, utc_now())


def _add_audit(app: App, settings: Settings) -> None:
    @app.periodic(cron=CRONS["anchor_audit"])
    @app.task(name="anchor_audit", queue="housekeeping", queueing_lock="anchor_audit")
    def anchor_audit(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
        """Check what the audit log gained since its last anchor, at night all of it, and anchor it.

        A broken chain fails the job, and so is seen wherever failed jobs are.
        """
        if (problem := audit.check_and_anchor(settings, utc_now()).problem) is not None:
            raise ValueError(f"the audit log was changed: {problem}")


def _add_requests(app: App, settings: Settings) -> None:
    @app.periodic(cron=CRONS["forget_requests"])
    @app.task(name="forget_requests", queue="housekeeping", queueing_lock="forget_requests")
    def forget_requests(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
        """Forget answers that were kept for repeated requests, and nonces of signatures."""
        with psycopg.connect(settings.dsn, connect_timeout=5) as conn:
            housekeeping.forget_requests(conn, utc_now())
            housekeeping.forget_nonces(conn, utc_now())


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
                stalled_worker_timeout=_STALLED_SECONDS,
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


def main() -> None:
    """The worker process."""
    settings = Settings.from_env()
    log.configure(settings.log_level)
    faults.start(settings, "worker")
    traces.start(settings, "worker")
    # It tells of each run of the minutely housekeeping.
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    exposition.serve(settings, settings.worker_metrics_port)
    asyncio.run(run(settings))


if __name__ == "__main__":
    from coinsphere import jobs  # noqa: PLW0406  procrastinate warns of an app that is made in `__main__`

    jobs.main()
