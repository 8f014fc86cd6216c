"""Syncs: an account is read page by page; repeating one changes nothing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from psycopg import Connection as Database
from psycopg.rows import class_row

from coinsphere import log
from coinsphere.errors import BadPayload, RateLimited, SealError, Unavailable
from coinsphere.exchanges import connections
from coinsphere.exchanges.accounts import Accounts, key_info
from coinsphere.exchanges.api.client import Client
from coinsphere.exchanges.connections import Connection
from coinsphere.exchanges.errors import Busy, Disconnected, KeyRefused, KeyTooPowerful
from coinsphere.exchanges.model import Known
from coinsphere.exchanges.sync import mail_templates, reading
from coinsphere.exchanges.sync.reading import Reading
from coinsphere.exchanges.sync.store import Target
from coinsphere.exchanges.venues.all import VENUES
from coinsphere.security.symmetric_keys import SymmetricKeys

QUEUE = "exchanges"
TASK = "sync_exchange"

CHECK_EVERY = timedelta(days=1)
"""How often a key's permissions are looked at again."""

_SYNC = """
    select s.id, s.user_id, s.connection_id, c.exchange, s.status, s.stream, s.imported, s.known, s.unbooked, s.error,
        s.created_at, s.started_at, s.finished_at
    from app.exchange_syncs s
    join app.exchange_connections c on c.id = s.connection_id
"""
_GET = _SYNC + "where s.id = %(id)s and (%(user_id)s::uuid is null or s.user_id = %(user_id)s)"
_LATEST = (
    _SYNC
    + "where s.user_id = %(user_id)s and s.connection_id = %(connection_id)s order by s.created_at desc limit 1"
)
# The lock makes the jobs of one account run one after another, whichever worker takes them.
_REQUEST = """
    with made as (
        insert into app.exchange_syncs (user_id, connection_id)
        select user_id, id from app.exchange_connections where id = %(connection_id)s and status = 'active'
        on conflict (connection_id) where status in ('queued', 'running') do nothing
        returning id, connection_id
    )
    select id, jobs.procrastinate_defer_jobs_v1(array[
        (%(queue)s, %(task)s, 0, 'exchange ' || connection_id, null, jsonb_build_object('sync_id', id), null)
            ::jobs.procrastinate_job_to_defer_v1
    ])
    from made
"""
_OPEN = """
    select id from app.exchange_syncs where connection_id = %(connection_id)s and status in ('queued', 'running')
"""
_DUE = """
    update app.exchange_connections set next_sync_at = %(now)s + make_interval(mins => sync_minutes)
    where status = 'active' and next_sync_at <= %(now)s returning id
"""
_START = """
    update app.exchange_syncs set status = 'running', started_at = coalesce(started_at, %(now)s), error = null
    where id = %(id)s and status in ('queued', 'running')
"""
_NOTE = """
    update app.exchange_syncs set error = %(error)s where id = %(id)s and status in ('queued', 'running')
"""
_FINISH = """
    update app.exchange_syncs set status = %(status)s, error = %(error)s, finished_at = %(now)s, stream = null
    where id = %(id)s and status in ('queued', 'running')
"""
_SYNCED = """
    update app.exchange_connections set
        last_error = %(error)s, last_synced_at = case when %(error)s::text is null then %(now)s else last_synced_at end
    where id = %(connection_id)s
"""
_ANNOUNCE = "select pg_notify('coinsphere', 'exchanges')"
_LOCK = "select pg_try_advisory_lock(hashtextextended('app.exchange_keys ' || encode(%(key_hash)s, 'hex'), 0))"
_UNLOCK = "select pg_advisory_unlock(hashtextextended('app.exchange_keys ' || encode(%(key_hash)s, 'hex'), 0))"

_log = log.get("exchanges")


@dataclass(frozen=True, slots=True)
class Sync:
    """A sync and its progress.

    Attributes:
        stream: the list that is being read.
        imported: facts that it brought.
        known: records that were there before.
        unbooked: records that could not be booked, which are kept.
        error: why it failed, or waits to be tried again.
    """

    id: UUID
    user_id: UUID
    connection_id: UUID
    exchange: str
    status: Literal["queued", "running", "succeeded", "failed"]
    stream: str | None
    imported: int
    known: int
    unbooked: int
    error: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def request(conn: Database, connection_id: UUID) -> UUID | None:
    """Store a sync and the job that does it. Returns its id, or that of the one that waits or runs already.

    None where the connection is stopped. `conn` must find the schema `jobs` by its search path.
    """
    parameters = {"connection_id": connection_id, "queue": QUEUE, "task": TASK}
    row = conn.execute(_REQUEST, parameters).fetchone()
    row = row or conn.execute(_OPEN, parameters).fetchone()
    return None if row is None else UUID(str(row[0]))


def request_due(conn: Database, now: datetime) -> int:
    """Request a sync of every connection that is due. Returns how many."""
    with conn.transaction():
        due: Sequence[tuple[UUID]] = conn.execute(_DUE, {"now": now}).fetchall()
        for (connection_id,) in due:
            request(conn, connection_id)
    return len(due)


def get(conn: Database, sync_id: UUID, user_id: UUID | None = None) -> Sync | None:
    """A sync, of that user where one is given; None where there is none."""
    parameters = {"id": sync_id, "user_id": user_id}
    return conn.cursor(row_factory=class_row(Sync)).execute(_GET, parameters).fetchone()


def latest(conn: Database, user_id: UUID, connection_id: UUID) -> Sync | None:
    """The newest sync of a connection of the user."""
    parameters = {"user_id": user_id, "connection_id": connection_id}
    return conn.cursor(row_factory=class_row(Sync)).execute(_LATEST, parameters).fetchone()


def run(
    conn: Database,
    sync_id: UUID,
    accounts: Accounts,
    keys: SymmetricKeys,
    *,
    is_last_try: bool = False,
) -> None:
    """Do a sync.

    Args:
        conn: in autocommit, in the role of the worker; kept by this sync until its end.
        sync_id: nothing happens where it is done, or its connection is gone.
        accounts: the way to exchanges.
        keys: that open credentials.
        is_last_try: what may pass ends the sync, too.

    Raises:
        Busy, RateLimited, Unavailable: to be tried again; what was read is stored.
    """
    sync = get(conn, sync_id)
    connection = None if sync is None else connections.get(conn, sync.connection_id)
    if sync is None or connection is None or sync.status in ("succeeded", "failed"):
        return
    try:
        with _alone(conn, connection):
            # Another job of the same sync may have done it since it was looked at.
            if conn.execute(_START, {"id": sync_id, "now": accounts.clock()}).rowcount:
                _settle(conn, sync_id, connection, accounts, keys)
    except (Busy, RateLimited, Unavailable) as error:
        conn.execute(_NOTE, {"id": sync_id, "error": str(error)[:500]})
        if is_last_try:
            message = f"{str(error).rstrip('.')}. It is tried again at the next time."
            _finish(conn, sync_id, connection, accounts.clock(), message)
        raise


def give_up(conn: Database, sync_id: UUID, now: datetime, why: str) -> None:
    """Close a sync that is open and that no job continues."""
    sync = get(conn, sync_id)
    connection = None if sync is None else connections.get(conn, sync.connection_id)
    if sync is not None and connection is not None and sync.status in ("queued", "running"):
        _finish(conn, sync_id, connection, now, why)


def _settle(
    conn: Database, sync_id: UUID, connection: Connection, accounts: Accounts, keys: SymmetricKeys
) -> None:
    """Read the account and store the result, before another process may work with its key."""
    now = accounts.clock
    try:
        _read(conn, sync_id, connection, accounts, keys)
    except KeyRefused as error:
        _stop(conn, sync_id, connection, status="invalid_key", error=str(error), now=now())
    except KeyTooPowerful as error:
        _stop(conn, sync_id, connection, status="disabled", error=str(error), now=now())
    except (BadPayload, SealError, Disconnected, LookupError) as error:
        _log.warning("exchange not read", connection_id=str(connection.id), error=str(error))
        _finish(conn, sync_id, connection, now(), _told(error))
    else:
        _finish(conn, sync_id, connection, now(), None)


def _told(error: Exception) -> str:
    if isinstance(error, SealError):
        return "The stored key cannot be opened; disconnect the account and connect it again."
    return str(error)[:500]


@contextmanager
def _alone(conn: Database, connection: Connection) -> Iterator[None]:
    """Lock the key against other processes; PostgreSQL releases it if this one dies."""
    parameters = {"key_hash": connection.key_hash}
    if conn.execute(_LOCK, parameters).fetchone() != (True,):
        raise Busy("The key is being worked with.")
    try:
        yield
    finally:
        if not conn.closed:
            conn.execute(_UNLOCK, parameters)


def _read(
    conn: Database, sync_id: UUID, connection: Connection, accounts: Accounts, keys: SymmetricKeys
) -> None:
    if connection.status != "active":
        raise Disconnected("The account is stopped; connect it again.")
    if connection.portfolio_id is None:
        raise Disconnected("The account's portfolio was deleted: choose another one.")
    secret = connections.credentials(conn, keys, connection)
    client = accounts.open(lambda: nullcontext(conn), connection.exchange, secret)
    try:
        _check(conn, connection, client, accounts.clock())
        connection = connections.get(conn, connection.id) or connection
        assert connection.portfolio_id is not None
        account = connection.ledger_account(connection.portfolio_id)
        target = Target(sync_id, connection.id, connection.user_id, account)
        known = Known(set(connection.assets), tuple(connection.markets))
        reading.read(
            Reading(conn, target, VENUES[connection.exchange], client, accounts.clock), known
        )
    finally:
        client.close()


def _check(conn: Database, connection: Connection, client: Client, now: datetime) -> None:
    """Check once a day that the key can still do no harm."""
    checked_at = connection.permissions_checked_at
    if checked_at is not None and now - checked_at < CHECK_EVERY:
        return
    info = key_info(connection.exchange, client)
    connections.checked(conn, connection.id, info, now)
    connections.require_harmless(info.permissions, allows_trading=connection.allows_trading)


def _stop(
    conn: Database,
    sync_id: UUID,
    connection: Connection,
    *,
    status: connections.Status,
    error: str,
    now: datetime,
) -> None:
    """Stop reading the account, and tell its user by mail."""
    with conn.transaction():
        if connections.stop(conn, connection.id, status, error, now) is not None:
            mail_templates.stopped(conn, connection, status, error)
        _finish(conn, sync_id, connection, now, error)
    _log.warning("exchange stopped", connection_id=str(connection.id), status=status, error=error)


def _finish(
    conn: Database, sync_id: UUID, connection: Connection, now: datetime, error: str | None
) -> None:
    status = "succeeded" if error is None else "failed"
    text = None if error is None else error[:500]
    with conn.transaction():
        conn.execute(_FINISH, {"id": sync_id, "status": status, "error": text, "now": now})
        conn.execute(_SYNCED, {"connection_id": connection.id, "error": text, "now": now})
        conn.execute(_ANNOUNCE)
