"""The worker's app: every background task, and how many jobs of a queue run at once.

Jobs are rows of the same database (procrastinate), written in the transaction that causes them.
"""

from functools import partial
from uuid import UUID

import psycopg
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from psycopg_pool import AsyncConnectionPool

from coinsphere import log
from coinsphere.accounts import tasks as accounts
from coinsphere.asset_events import tasks as asset_events
from coinsphere.audit import hourly as audit
from coinsphere.billing import tasks as billing
from coinsphere.clock import utc_now
from coinsphere.db.listening import ListeningConnection
from coinsphere.db.pool import RETRY_SECONDS
from coinsphere.exchanges import tasks as exchanges
from coinsphere.jobs import records
from coinsphere.jobs.cron import CRONS
from coinsphere.jobs.retries import RetryPolicy
from coinsphere.notify import data_alarm, disk_alarm, mail, transport
from coinsphere.notify.channels import tasks as channels
from coinsphere.portfolio import tasks as portfolios
from coinsphere.settings import Settings
from coinsphere.wallets import tasks as wallets
from coinsphere.worker import housekeeping

_SEARCH_PATH = "-c search_path=jobs,public -c timezone=UTC"
SLOTS = {
    "mail": 2,
    "channels": 2,
    "portfolios": 3,
    "exchanges": 2,
    "wallets": 2,
    "billing": 2,
    "housekeeping": 2,
}
"""How many jobs of a queue run at once: each queue has slots of its own, so that one that hangs holds up no other."""
STALLED_SECONDS = 20.0
"""A worker without a heartbeat for so long is dead."""
_KEEP_HOURS = 72

_log = log.get("jobs")


def build(settings: Settings) -> App:
    """The app with all its tasks, connected to nothing before it is opened."""
    app = App(connector=_connector(settings))
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


def _connector(settings: Settings) -> PsycopgConnector:
    return PsycopgConnector(
        conninfo=settings.dsn,
        kwargs={"options": _SEARCH_PATH, "application_name": "coinsphere-worker"},
        min_size=1,
        max_size=2 * len(SLOTS) + 2,
        timeout=5.0,
        connection_class=ListeningConnection,
        pool_factory=partial(
            AsyncConnectionPool,
            reconnect_timeout=RETRY_SECONDS,
            reconnect_failed=AsyncConnectionPool.check,
        ),
    )


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
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
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
            records.forget_done(conn)
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
        """Check what the audit log gained since its last anchor, at night all of it, and anchor it."""
        audit.check_and_anchor(settings, utc_now())


def _add_requests(app: App, settings: Settings) -> None:
    @app.periodic(cron=CRONS["forget_requests"])
    @app.task(name="forget_requests", queue="housekeeping", queueing_lock="forget_requests")
    def forget_requests(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
        """Forget answers that were kept for repeated requests, and nonces of signatures."""
        with psycopg.connect(settings.dsn, connect_timeout=5) as conn:
            housekeeping.forget_requests(conn, utc_now())
            housekeeping.forget_nonces(conn, utc_now())
