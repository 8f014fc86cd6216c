"""The outbox of channels: messages are written in the transaction that causes them, and delivered at least once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.notify.channels import hours
from coinsphere.notify.channels.receiver import Message
from coinsphere.notify.channels.repository import Channel, Claimed
from coinsphere.notify.channels.retries import Trial

QUEUE = "channels"
TASK = "deliver_messages"
MOST_IN_DIGEST = 100
_MOST_AT_ONCE = 100
"""Messages of a channel that are read together; each is noted by itself once it is taken."""
_KEPT = timedelta(days=30)
_CLAIM_LASTS = timedelta(minutes=2)
"""Far longer than a delivery takes, and each that is taken begins it anew; who died is replaced after it."""

_WRITE = """
    insert into app.channel_messages (id, channel_id, alert_event_id, type, at, title, body, data, due_at)
    values (%(id)s, %(channel_id)s, %(alert_event_id)s, %(type)s, %(at)s, %(title)s, %(body)s, %(data)s, %(due_at)s)
    on conflict (channel_id, alert_event_id) do nothing
"""
# One job waits for all channels: those that run meanwhile may have looked already.
_WAKE = "select jobs.defer_once(%(queue)s, %(task)s, null, '{}')"
_COLLECTING = """
    select min(due_at) from app.channel_messages
    where channel_id = %(channel_id)s and status = 'waiting' and batch_id is null and due_at > %(now)s
"""
# Whom another serves is left to it, also where that has changed since the rows were looked for.
_CLAIM = """
    with due as (
        select c.id from app.alert_channels c
        where c.id in (select channel_id from app.channel_messages where status = 'waiting' and due_at <= %(now)s)
            and c.status = 'active'
            and (c.retry_at is null or c.retry_at <= %(now)s)
            and (c.claimed_until is null or c.claimed_until <= %(now)s)
        limit %(most)s
        for update of c skip locked
    )
    update app.alert_channels c set claimed_until = %(until)s
    from due, app.users u
    where c.id = due.id and u.id = c.user_id
    returning c.id, c.user_id, c.kind, c.digest_minutes is not null as is_digest,
        app.sealed_channel_receiver(c.id) as sealed, u.locale
"""
# What goes out as one keeps its number, so that a repetition is known as such.
_BATCH = """
    update app.channel_messages m set batch_id = %(batch_id)s
    where id in (
        select id from app.channel_messages
        where channel_id = %(channel_id)s and status = 'waiting' and batch_id is null and due_at <= %(now)s
        order by due_at, created_at limit %(most)s
    )
"""
_NEXT = """
    select m.*
    from unnest(%(channel_ids)s::uuid[]) as c (id) cross join lateral (
        select id, channel_id, batch_id, type, at, title, body, data, attempts, created_at, due_at
        from app.channel_messages
        where channel_id = c.id and status = 'waiting' and due_at <= %(now)s
        order by due_at, created_at, id limit %(most)s
    ) m
    order by m.due_at, m.created_at, m.id
"""
_OF_BATCH = """
    select id, channel_id, batch_id, type, at, title, body, data, attempts, created_at, due_at
    from app.channel_messages
    where status = 'waiting' and channel_id = %(channel_id)s and batch_id = %(batch_id)s
    order by at, created_at, id
"""
# One way to the database for all that were taken meanwhile; which channels are still on comes back with it.
_TAKEN = """
    with sent as (
        update app.channel_messages set
            attempts = attempts + 1, last_error = null, status = 'delivered', delivered_at = %(now)s
        where id = any(%(ids)s)
    )
    update app.alert_channels set
        failures = 0, failing_since = null, retry_at = null, last_error = null, last_delivered_at = %(now)s,
        claimed_until = %(until)s
    where id = any(%(channel_ids)s)
    returning id, status = 'active'
"""
_RELEASE = "update app.alert_channels set claimed_until = null where id = any(%(channel_ids)s)"
_TRIED = """
    update app.channel_messages set
        attempts = %(attempts)s, due_at = coalesce(%(due_at)s, due_at), last_error = %(error)s, status = %(status)s
    where id = any(%(ids)s)
"""
# A channel rests with all its messages.
_REST = """
    update app.channel_messages set due_at = %(until)s
    where channel_id = %(channel_id)s and status = 'waiting' and due_at < %(until)s
"""
_GIVE_UP = """
    update app.channel_messages set status = 'given_up', last_error = %(error)s
    where channel_id = %(channel_id)s and status = 'waiting'
"""
_IS_DUE = """
    select exists (
        select from app.channel_messages m join app.alert_channels c on c.id = m.channel_id and c.status = 'active'
        where m.status = 'waiting' and m.due_at <= %(now)s
            and (c.retry_at is null or c.retry_at <= %(now)s)
            and (c.claimed_until is null or c.claimed_until <= %(now)s)
    )
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
    channel_id: UUID
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
        """The message as its receiver gets it."""
        return Message(self.id, self.type, self.at, self.title, self.body, self.data)

    @property
    def trial(self) -> Trial:
        """Its attempts so far."""
        return Trial(self.created_at, self.attempts, self.due_at)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The state of a message, for its owner."""

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
        rows.append(_row(channel, message, event_id, max(due_at, channel.retry_at or now)))
    with conn.cursor() as cursor:
        cursor.executemany(_WRITE, rows)
    if any(row["due_at"] <= now for row in rows):
        conn.execute(_WAKE, {"queue": QUEUE, "task": TASK})


def wake_due(conn: Connection, now: datetime) -> bool:
    """Write jobs for channels with due messages that nobody serves. Returns False where there is none."""
    is_due = conn.execute(_IS_DUE, {"now": now}).fetchone() == (True,)
    if is_due:
        conn.execute(_WAKE, {"queue": QUEUE, "task": TASK})
    return is_due


def forget(conn: Connection, now: datetime) -> None:
    """Delete messages that were settled long ago."""
    conn.execute(_FORGET, {"before": now - _KEPT})


def claim(conn: Connection, now: datetime, most: int) -> Sequence[Claimed]:
    """Claim channels with due messages, up to a number, for the caller alone and for a while."""
    cursor = conn.cursor(row_factory=class_row(Claimed))
    return cursor.execute(
        _CLAIM, {"now": now, "until": now + _CLAIM_LASTS, "most": most}
    ).fetchall()


def next_due(
    conn: Connection, channels: Sequence[Claimed], now: datetime
) -> Mapping[UUID, Sequence[Sequence[Waiting]]]:
    """The next parcels of each channel in order: messages each alone, or a digest."""
    for channel in channels:
        if channel.is_digest:
            values = {
                "batch_id": uuid4(),
                "channel_id": channel.id,
                "now": now,
                "most": MOST_IN_DIGEST,
            }
            conn.execute(_BATCH, values)
    wanted = {"channel_ids": [each.id for each in channels], "now": now, "most": _MOST_AT_ONCE}
    rows: dict[UUID, list[Waiting]] = {each.id: [] for each in channels}
    for row in conn.cursor(row_factory=class_row(Waiting)).execute(_NEXT, wanted):
        rows[row.channel_id].append(row)
    return {channel_id: _parcels(conn, of_channel) for channel_id, of_channel in rows.items()}


def _parcels(conn: Connection, rows: Sequence[Waiting]) -> Sequence[Sequence[Waiting]]:
    if rows and rows[0].batch_id is not None:
        digest = {"channel_id": rows[0].channel_id, "batch_id": rows[0].batch_id}
        cursor = conn.cursor(row_factory=class_row(Waiting))
        return [cursor.execute(_OF_BATCH, digest).fetchall()]
    return [[row] for row in takewhile(lambda row: row.batch_id is None, rows)]


def taken(conn: Connection, parcels: Sequence[Sequence[Waiting]], now: datetime) -> frozenset[UUID]:
    """Record delivered parcels of several channels, which are healthy and stay claimed. Returns those still switched on."""
    values = {
        "channel_ids": [each[0].channel_id for each in parcels],
        "ids": [message.id for each in parcels for message in each],
        "now": now,
        "until": now + _CLAIM_LASTS,
    }
    return frozenset(row[0] for row in conn.execute(_TAKEN, values) if row[1])


def release(conn: Connection, channel_ids: Sequence[UUID]) -> None:
    """Give up the claim on these channels."""
    conn.execute(_RELEASE, {"channel_ids": list(channel_ids)})


def failed(conn: Connection, sent: Sequence[Waiting], trial: Trial, error: str) -> None:
    """Record that a parcel was not delivered, and when it is tried again."""
    values = {
        "ids": [each.id for each in sent],
        "attempts": trial.attempts,
        "due_at": trial.due_at,
        "error": error,
        "status": "given_up" if trial.is_over else "waiting",
    }
    conn.execute(_TRIED, values)


def rest(conn: Connection, channel_id: UUID, until: datetime) -> None:
    """Hold all messages of a channel back until then."""
    conn.execute(_REST, {"channel_id": channel_id, "until": until})


def give_up(conn: Connection, channel_id: UUID, error: str) -> None:
    """Drop the messages of a channel that is switched off."""
    conn.execute(_GIVE_UP, {"channel_id": channel_id, "error": error})


def newest(
    conn: Connection, user_id: UUID, channel_id: UUID, limit: int = 50
) -> Sequence[Delivery]:
    """The state of the newest messages to a channel of the user."""
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
