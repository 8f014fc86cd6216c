"""Messages to channels: written in the transaction that causes them, handed over at least once by the worker."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.notify.channels import hours
from coinsphere.notify.channels.receiver import Message
from coinsphere.notify.channels.repository import Channel
from coinsphere.notify.channels.retries import Trial

QUEUE = "channels"
TASK = "deliver_messages"
MOST_IN_DIGEST = 100
_MOST_AT_ONCE = 100
"""Messages of a channel that are read together; each is noted by itself once it is taken."""
_KEPT = timedelta(days=30)

_WRITE = """
    insert into app.channel_messages (id, channel_id, alert_event_id, type, at, title, body, data, due_at)
    values (%(id)s, %(channel_id)s, %(alert_event_id)s, %(type)s, %(at)s, %(title)s, %(body)s, %(data)s, %(due_at)s)
    on conflict (channel_id, alert_event_id) do nothing
"""
# One job of a channel runs at a time, and one waits: a receiver that hangs holds up its own messages alone.
_WAKE = """
    select jobs.defer_once(
        %(queue)s, %(task)s, 'channel ' || id, jsonb_build_object('channel_id', id::text)
    )
    from unnest(%(ids)s::uuid[]) as id
"""
_COLLECTING = """
    select min(due_at) from app.channel_messages
    where channel_id = %(channel_id)s and status = 'waiting' and batch_id is null and due_at > %(now)s
"""
# What goes out as one keeps its number, so that a repetition is known as such.
_BATCH = """
    update app.channel_messages set batch_id = %(batch_id)s
    where id in (
        select id from app.channel_messages
        where channel_id = %(channel_id)s and status = 'waiting' and batch_id is null and due_at <= %(now)s
        order by due_at, created_at limit %(most)s
    )
"""
_NEXT = """
    select id, batch_id, type, at, title, body, data, attempts, created_at, due_at
    from app.channel_messages
    where channel_id = %(channel_id)s and status = 'waiting' and due_at <= %(now)s
    order by due_at, created_at, id limit %(most)s
"""
_OF_BATCH = """
    select id, batch_id, type, at, title, body, data, attempts, created_at, due_at
    from app.channel_messages
    where channel_id = %(channel_id)s and status = 'waiting' and batch_id = %(batch_id)s
    order by at, created_at, id
"""
# One way to the database for each message that is taken; whether the channel is still on comes back with it.
_TAKEN = """
    with sent as (
        update app.channel_messages set
            attempts = attempts + 1, last_error = null, status = 'delivered', delivered_at = %(now)s
        where id = any(%(ids)s)
    )
    update app.alert_channels set
        failures = 0, failing_since = null, retry_at = null, last_error = null, last_delivered_at = %(now)s
    where id = %(channel_id)s
    returning status = 'active'
"""
_TRIED = """
    update app.channel_messages set
        attempts = %(attempts)s, due_at = coalesce(%(due_at)s, due_at), last_error = %(error)s, status = %(status)s
    where id = any(%(ids)s)
"""
_GIVE_UP = """
    update app.channel_messages set status = 'given_up', last_error = %(error)s
    where channel_id = %(channel_id)s and status = 'waiting'
"""
_DUE = """
    select distinct m.channel_id
    from app.channel_messages m join app.alert_channels c on c.id = m.channel_id
    where m.status = 'waiting' and m.due_at <= %(now)s and c.status = 'active'
        and (c.retry_at is null or c.retry_at <= %(now)s)
"""
_FORGET = "delete from app.channel_messages where status <> 'waiting' and created_at < %(before)s"
_NEWEST = """
    select m.id, m.type, m.title, m.status, m.attempts, m.last_error, m.created_at, m.due_at, m.delivered_at
    from app.channel_messages m join app.alert_channels c on c.id = m.channel_id
    where c.user_id = %(user_id)s and c.id = %(channel_id)s
    order by m.created_at desc, m.id limit %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that is due, as it is stored."""

    id: UUID
    batch_id: UUID | None
    type: str
    at: datetime
    title: str
    body: str
    data: str
    attempts: int
    created_at: datetime
    due_at: datetime

    @property
    def message(self) -> Message:
        """What its receiver is told."""
        return Message(self.id, self.type, self.at, self.title, self.body, self.data)

    @property
    def trial(self) -> Trial:
        """Its attempts so far."""
        return Trial(self.created_at, self.attempts, self.due_at)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message, for its owner."""

    id: UUID
    type: str
    title: str
    status: str
    attempts: int
    last_error: str | None
    created_at: datetime
    due_at: datetime
    delivered_at: datetime | None


def write(
    conn: Connection,
    messages: Iterable[tuple[Channel, Message, UUID | None]],
    now: datetime,
    *,
    at_once: bool = False,
) -> None:
    """Write messages, and the jobs that deliver those that are due; an event tells a channel once.

    Args:
        conn: the transaction of what causes them.
        messages: each with its channel, and with the firing that it tells, if it tells one.
        now: when it is caused.
        at_once: whatever the habits of the channel's owner are.
    """
    rows: list[dict[str, Any]] = []
    collecting: dict[UUID, datetime | None] = {}
    for channel, message, event_id in messages:
        due_at = now
        if not at_once:
            if channel.id not in collecting:
                collecting[channel.id] = _collected(conn, channel, now)
            due_at = hours.due(channel.habits, now, collecting[channel.id])
            collecting[channel.id] = due_at
        rows.append(_row(channel, message, event_id, due_at))
    with conn.cursor() as cursor:
        cursor.executemany(_WRITE, rows)
    wake(conn, list({row["channel_id"] for row in rows if row["due_at"] <= now}))


def wake(conn: Connection, channel_ids: Sequence[UUID]) -> None:
    """Have the worker deliver what is due to these channels."""
    conn.execute(_WAKE, {"queue": QUEUE, "task": TASK, "ids": list(channel_ids)})


def wake_due(conn: Connection, now: datetime) -> int:
    """Wake every channel to which something is due, and forget what was settled long ago; how many were woken."""
    conn.execute(_FORGET, {"before": now - _KEPT})
    due = [row[0] for row in conn.execute(_DUE, {"now": now})]
    wake(conn, due)
    return len(due)


def next_due(conn: Connection, channel: Channel, now: datetime) -> Sequence[Sequence[Waiting]]:
    """What goes out next to a channel, in this order: messages each alone, or a digest; empty where nothing is due."""
    wanted = {"channel_id": channel.id, "now": now}
    if channel.digest_minutes is not None:
        conn.execute(_BATCH, wanted | {"batch_id": uuid4(), "most": MOST_IN_DIGEST})
    cursor = conn.cursor(row_factory=class_row(Waiting))
    rows = cursor.execute(_NEXT, wanted | {"most": _MOST_AT_ONCE}).fetchall()
    if rows and rows[0].batch_id is not None:
        digest = {"channel_id": channel.id, "batch_id": rows[0].batch_id}
        return [cursor.execute(_OF_BATCH, digest).fetchall()]
    return [[row] for row in takewhile(lambda row: row.batch_id is None, rows)]


def taken(conn: Connection, channel_id: UUID, sent: Sequence[Waiting], now: datetime) -> bool:
    """Note that what went out as one was taken, and so that the channel is well; False where it is off or gone."""
    values = {"channel_id": channel_id, "ids": [each.id for each in sent], "now": now}
    return conn.execute(_TAKEN, values).fetchone() == (True,)


def failed(conn: Connection, sent: Sequence[Waiting], trial: Trial, error: str) -> None:
    """Note that what went out as one was not taken, and when it is tried again."""
    values = {
        "ids": [each.id for each in sent],
        "attempts": trial.attempts,
        "due_at": trial.due_at,
        "error": error,
        "status": "given_up" if trial.is_over else "waiting",
    }
    conn.execute(_TRIED, values)


def give_up(conn: Connection, channel_id: UUID, error: str) -> None:
    """Drop what waits for a channel that is switched off."""
    conn.execute(_GIVE_UP, {"channel_id": channel_id, "error": error})


def newest(
    conn: Connection, user_id: UUID, channel_id: UUID, limit: int = 50
) -> Sequence[Delivery]:
    """What became of the newest messages to a channel of the user."""
    cursor = conn.cursor(row_factory=class_row(Delivery))
    wanted = {"user_id": user_id, "channel_id": channel_id, "limit": limit}
    return cursor.execute(_NEWEST, wanted).fetchall()


def _collected(conn: Connection, channel: Channel, now: datetime) -> datetime | None:
    if channel.digest_minutes is None:
        return None
    row = conn.execute(_COLLECTING, {"channel_id": channel.id, "now": now}).fetchone()
    return row[0] if row else None


def _row(
    channel: Channel, message: Message, event_id: UUID | None, due_at: datetime
) -> dict[str, Any]:
    return {
        "id": message.id,
        "channel_id": channel.id,
        "alert_event_id": event_id,
        "type": message.type,
        "at": message.at,
        "title": message.title,
        "body": message.text,
        "data": message.data,
        "due_at": due_at,
    }
