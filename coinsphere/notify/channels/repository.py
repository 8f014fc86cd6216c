"""Channels of users. Every statement of the API names the owner; what a receiver needs is stored sealed, and read by the worker alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.notify.channels import kinds
from coinsphere.notify.channels.hours import Habits
from coinsphere.notify.channels.receiver import Receiver
from coinsphere.notify.channels.retries import Health
from coinsphere.security import envelope, sealed_columns
from coinsphere.security.symmetric_keys import SymmetricKeys

MOST = 10
"""Channels of one user."""

_CHANNEL = """
    select id, user_id, kind, name, hint, status, quiet_from, quiet_until, zone, digest_minutes, failures,
        failing_since, retry_at, last_error, last_delivered_at, created_at
    from app.alert_channels
"""
_LIST = _CHANNEL + "where user_id = %(user_id)s order by created_at, id"
_GET = _CHANNEL + "where id = %(id)s and (%(user_id)s::uuid is null or user_id = %(user_id)s)"
_CREATE = """
    insert into app.alert_channels
        (id, user_id, kind, name, hint, receiver, quiet_from, quiet_until, zone, digest_minutes)
    values (%(id)s, %(user_id)s, %(kind)s, %(name)s, %(hint)s, %(receiver)s, %(quiet_from)s, %(quiet_until)s,
        %(zone)s, %(digest_minutes)s)
"""
# Switched on again, a channel begins anew.
_CHANGE = """
    update app.alert_channels set
        name = %(name)s, quiet_from = %(quiet_from)s, quiet_until = %(quiet_until)s, zone = %(zone)s,
        digest_minutes = %(digest_minutes)s, status = %(status)s,
        failures = case when status = 'active' then failures else 0 end,
        failing_since = case when status = 'active' then failing_since end,
        retry_at = case when status = 'active' then retry_at end
    where user_id = %(user_id)s and id = %(id)s
"""
_DELETE = (
    "delete from app.alert_channels where user_id = %(user_id)s and id = %(id)s returning kind"
)
_FARED = """
    update app.alert_channels set
        failures = %(failures)s, failing_since = %(failing_since)s, retry_at = %(retry_at)s, last_error = %(error)s,
        status = case when %(is_over)s then 'disabled' else status end
    where id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel without its secrets; `hint` is the name by which its owner recognises it."""

    id: UUID
    user_id: UUID
    kind: str
    name: str
    hint: str
    status: str
    quiet_from: time | None
    quiet_until: time | None
    zone: str
    digest_minutes: int | None
    failures: int
    failing_since: datetime | None
    retry_at: datetime | None
    last_error: str | None
    last_delivered_at: datetime | None
    created_at: datetime

    @property
    def habits(self) -> Habits:
        """Its quiet hours and digests."""
        return Habits(self.quiet_from, self.quiet_until, self.zone, self.digest_minutes)

    @property
    def health(self) -> Health:
        """Its record of failures."""
        is_over = self.status != "active"
        return Health(self.failures, self.failing_since, self.retry_at, is_over)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A channel that one worker has claimed until a time.

    Attributes:
        sealed: what its receiver is made of.
        locale: its owner's language.
    """

    id: UUID
    user_id: UUID
    kind: str
    is_digest: bool
    sealed: bytes
    locale: str | None


def create(
    conn: Connection,
    keys: SymmetricKeys,
    user_id: UUID,
    *,
    kind: str,
    name: str,
    receiver: Receiver,
    habits: Habits | None = None,
) -> Channel | None:
    """Store a channel with its receiver sealed. Returns None where the user has as many as are allowed."""
    if len(list_for(conn, user_id)) >= MOST:
        return None
    identity = uuid4()
    place = sealed_columns.channel_receiver(user_id, identity)
    values = {
        "id": identity,
        "user_id": user_id,
        "kind": kind,
        "name": name,
        "hint": receiver.hint,
        "receiver": envelope.seal(keys, kinds.pack(receiver), place),
        **_of(habits or Habits()),
    }
    conn.execute(_CREATE, values)
    return get(conn, identity, user_id)


def list_for(conn: Connection, user_id: UUID) -> Sequence[Channel]:
    """The user's channels, the oldest first."""
    cursor = conn.cursor(row_factory=class_row(Channel))
    return cursor.execute(_LIST, {"user_id": user_id}).fetchall()


def get(conn: Connection, channel_id: UUID, user_id: UUID | None = None) -> Channel | None:
    """A channel, of that user where one is given; None where there is none."""
    cursor = conn.cursor(row_factory=class_row(Channel))
    return cursor.execute(_GET, {"id": channel_id, "user_id": user_id}).fetchone()


def change(
    conn: Connection, stored: Channel, *, name: str, habits: Habits, is_active: bool
) -> Channel | None:
    """Change a channel's settings; one that is switched on again starts without failures."""
    status = "active" if is_active else "disabled"
    values = {"id": stored.id, "user_id": stored.user_id, "name": name, "status": status}
    conn.execute(_CHANGE, values | _of(habits))
    return get(conn, stored.id, stored.user_id)


def delete(conn: Connection, user_id: UUID, channel_id: UUID) -> str | None:
    """Delete a channel and its waiting messages. Returns its kind, None where there was none."""
    row = conn.execute(_DELETE, {"user_id": user_id, "id": channel_id}).fetchone()
    return None if row is None else str(row[0])


def receiver(keys: SymmetricKeys, channel: Channel | Claimed, sealed: bytes) -> Receiver:
    """The receiver of a channel, opened.

    Raises:
        SealError: it does not open.
    """
    place = sealed_columns.channel_receiver(channel.user_id, channel.id)
    return kinds.unpack(channel.kind, envelope.open_(keys, sealed, place))


def fared(conn: Connection, channel_id: UUID, health: Health, error: str) -> None:
    """Store a channel's health after a failed attempt."""
    values = {
        "id": channel_id,
        "failures": health.failures,
        "failing_since": health.failing_since,
        "retry_at": health.retry_at,
        "is_over": health.is_over,
        "error": error,
    }
    conn.execute(_FARED, values)


def _of(habits: Habits) -> dict[str, Any]:
    return {
        "quiet_from": habits.quiet_from,
        "quiet_until": habits.quiet_until,
        "zone": habits.zone,
        "digest_minutes": habits.digest_minutes,
    }
