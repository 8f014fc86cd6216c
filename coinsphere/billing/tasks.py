"""The worker's tasks of payments."""

from datetime import UTC, datetime, timedelta

import psycopg
from procrastinate import App
from psycopg import Connection

from coinsphere import log
from coinsphere.billing import dunning, events, providers, reconciliation, repository
from coinsphere.billing.providers import Provider
from coinsphere.clock import utc_now
from coinsphere.jobs.cron import CRONS
from coinsphere.jobs.retries import RetryPolicy
from coinsphere.security.symmetric_keys import SymmetricKeys
from coinsphere.settings import Settings

LOOKED_BACK = timedelta(days=3)
"""For so long a provider itself tries to tell an event; from then on only this look finds it."""
KEPT = timedelta(days=90)
_OPTIONS = "-c timezone=UTC -c search_path=app,market,model,jobs,public"
_log = log.get("billing")


def add(app: App, settings: Settings) -> None:
    """Register the tasks of payments with the worker's app."""
    retry_policy = RetryPolicy(
        max_attempts=8, exponential_wait=4, retry_exceptions=(*providers.FAULTS, psycopg.Error)
    )

    def connect() -> Connection:
        return psycopg.connect(settings.dsn, autocommit=True, connect_timeout=5, options=_OPTIONS)

    @app.task(name=events.REFRESH, queue=events.QUEUE, retry=retry_policy)
    def refresh_customer(provider: str, customer: str) -> None:
        with connect() as conn:
            refresh(conn, settings, provider, customer, utc_now())

    @app.task(name=events.CLOSE, queue=events.QUEUE, retry=retry_policy)
    def close_customer(provider: str, customer: str) -> None:
        """End what an account subscribed to that was deleted."""
        providers.of(settings, provider).forget(customer)
        _log.info("customer closed", provider=provider)

    @app.periodic(cron=CRONS["reconcile_payments"])
    @app.task(name="reconcile_payments", queue=events.QUEUE, queueing_lock="reconcile_payments")
    def reconcile_payments(timestamp: int) -> None:
        """Find what the provider told and we did not hear."""
        now = datetime.fromtimestamp(timestamp, UTC)
        for provider in providers.configured(settings):
            with connect() as conn:
                reconcile(conn, provider, now)


def refresh(
    conn: Connection, settings: Settings, provider: str, customer: str, now: datetime
) -> None:
    """Ask the provider for all of a customer and bring our tables up to date.

    What the events about him say is not looked at: in whatever order and however often they come, the answer is the
    same. Jobs of one customer run one after another. A subscription whose newest payment was given back is ended there,
    so that nobody pays again for what he has no more.

    Raises:
        FAULTS (providers): it does not answer.
        NotSold: no provider is configured any more.
    """
    # Before the question: what arrives meanwhile is handled by the next job.
    references = events.waiting(conn, provider, customer)
    user_id = reconciliation.owner(conn, provider, customer)
    seller = None if user_id is None else providers.of(settings, provider)
    standing = None
    if seller is not None and user_id is not None:
        standing = seller.standing(customer, repository.booked(conn, provider, user_id), now)
    with conn.transaction():
        if user_id is not None and standing is not None:
            grace = timedelta(days=settings.billing_grace_days)
            trouble = reconciliation.apply(
                conn, SymmetricKeys(settings.audit_keys), provider, user_id,
                standing, now=now, grace=grace,
            )  # fmt: skip
            dunning.tell(conn, user_id, trouble, settings.pages_url, grace=grace, now=now)
        events.handled(conn, provider, customer, references, now)
    if seller is not None and standing is not None:
        for reference in standing.refunded:
            seller.end(reference)
            _log.info("refunded subscription ended", reference=reference)
    _log.info("customer", provider=provider, events=len(references), is_ours=user_id is not None)


def reconcile(conn: Connection, provider: Provider, now: datetime) -> int:
    """Store events missed in the last days, and refresh every customer who is behind.

    Gives how many events had not been heard. Raises one of `providers.FAULTS`.
    """
    since = now - LOOKED_BACK
    booked = repository.booked_since(conn, provider.name, since)
    missed = list(provider.missed(since, booked))
    with conn.transaction():
        lost = sum(
            events.store(conn, provider.name, each, now, "reconciliation") for each in missed
        )
        for customer in events.behind(conn, provider.name, now):
            events.refresh_later(conn, provider.name, customer)
        events.forget(conn, now - KEPT)
    if lost:
        _log.warning("events had not been heard", lost=lost, provider=provider.name)
    return lost
