"""Background jobs: what a change sets off, run by the worker (`python -m coinsphere.jobs`).

Jobs are rows of the same database (procrastinate), written in the transaction that causes them. A worker that dies
leaves its job behind; another takes it up once the dead one's heartbeat is old.
"""

import asyncio
from typing import Any
from uuid import UUID

import psycopg
from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy

from coinsphere import log
from coinsphere.clock import utc_now
from coinsphere.notify import mail, transport
from coinsphere.settings import Settings

_SEARCH_PATH = "-c search_path=jobs,public -c timezone=UTC"
_CONCURRENCY = 4
_POLL_SECONDS = 30.0
"""Jobs are announced by NOTIFY; polling only catches those that are scheduled or whose announcement was missed."""
_HEARTBEAT_SECONDS = 10.0
_STALLED_SECONDS = 40.0
_KEEP_HOURS = 72

_log = log.get("jobs")


def build(settings: Settings) -> App:
    """The app with all its tasks, connected to nothing before it is opened."""
    connector = PsycopgConnector(
        conninfo=settings.dsn,
        kwargs={"options": _SEARCH_PATH, "application_name": "coinsphere-worker"},
        min_size=1,
        max_size=_CONCURRENCY + 2,
    )
    app = App(connector=connector)
    _add_mail(app, settings)
    _add_housekeeping(app)
    return app


def _add_mail(app: App, settings: Settings) -> None:
    carrier = transport.build(settings)

    # Waits 4, 16, 64 … seconds: a relay that is down for a day is outlived.
    @app.task(
        name=mail.TASK, queue=mail.QUEUE, retry=RetryStrategy(max_attempts=9, exponential_wait=4)
    )
    def send_mail(mail_id: str) -> None:
        with psycopg.connect(settings.dsn, autocommit=True) as conn:
            sent = mail.send(conn, UUID(mail_id), carrier, utc_now())
        _log.info("mail", mail_id=mail_id, sent=sent)


def _add_housekeeping(app: App) -> None:
    @app.periodic(cron="* * * * *")
    @app.task(
        name="retry_stalled", queue="housekeeping", pass_context=True, queueing_lock="retry_stalled"
    )
    async def retry_stalled(context: JobContext, timestamp: int) -> None:
        """Take up the jobs of workers that died."""
        manager = context.app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=_STALLED_SECONDS):
            _log.warning("stalled job", job_id=job.id, task=job.task_name)
            await manager.retry_job(job)

    @app.periodic(cron="17 * * * *")
    @app.task(
        name="delete_old", queue="housekeeping", pass_context=True, queueing_lock="delete_old"
    )
    async def delete_old(context: JobContext, timestamp: int) -> None:
        """Forget finished jobs; failed ones stay to be looked at."""
        await context.app.job_manager.delete_old_jobs(nb_hours=_KEEP_HOURS)


async def run(settings: Settings, **options: Any) -> None:
    """Run the worker until it is told to stop by SIGTERM or SIGINT; a job under way is finished first."""
    app = build(settings)
    async with app.open_async():
        await app.run_worker_async(
            name="coinsphere",
            concurrency=_CONCURRENCY,
            fetch_job_polling_interval=_POLL_SECONDS,
            abort_job_polling_interval=_POLL_SECONDS,
            update_heartbeat_interval=_HEARTBEAT_SECONDS,
            stalled_worker_timeout=_STALLED_SECONDS,
            shutdown_graceful_timeout=20.0,
            **options,
        )


def main() -> None:
    """The worker process."""
    settings = Settings.from_env()
    log.configure(settings.log_level)
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
