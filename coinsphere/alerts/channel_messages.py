"""Messages to channels about alerts that fired, written in the transaction of the firing."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

import msgspec
from psycopg import Connection
from psycopg.rows import dict_row

from coinsphere.alerts import mail_templates
from coinsphere.alerts.firing import Firing
from coinsphere.clock import iso
from coinsphere.notify.channels import outbox
from coinsphere.notify.channels.receiver import Message
from coinsphere.notify.channels.repository import Channel
from coinsphere.parsing.decimals import plain

_CHOSEN = """
    select e.id as event_id, c.id, c.user_id, c.kind, c.name, c.hint, c.status, c.quiet_from, c.quiet_until, c.zone,
        c.digest_minutes, c.failures, c.failing_since, c.retry_at, c.last_error, c.last_delivered_at, c.created_at
    from app.alert_events e
    join app.alert_channel_choices x on x.alert_id = e.alert_id
    join app.alert_channels c on c.id = x.channel_id and c.status = 'active'
    where e.id = any(%(event_ids)s)
    order by c.id
"""
TYPE = "alert.fired"


def write(conn: Connection, firings: Sequence[Firing], now: datetime) -> None:
    """Write a message for each firing and each channel that its alert chose."""
    by_event = {each.event_id: each for each in firings}
    messages: list[tuple[Channel, Message, UUID | None]] = []
    cursor = conn.cursor(row_factory=dict_row)
    for row in cursor.execute(_CHOSEN, {"event_ids": list(by_event)}) if by_event else ():
        event_id = row.pop("event_id")
        messages.append((Channel(**row), message(by_event[event_id], now), event_id))
    outbox.write(conn, messages, now)


def message(firing: Firing, now: datetime) -> Message:
    """The message about a firing: for people in their language, for programs with every digit."""
    headline, lines = mail_templates.short(firing)
    return Message(uuid4(), TYPE, now, headline, "\n".join(lines), _data(firing, now))


def _data(firing: Firing, now: datetime) -> str:
    previous = firing.previous_value
    data = {
        "id": str(firing.event_id),
        "alertId": str(firing.alert_id),
        "alertType": firing.alert_type,
        "subject": firing.subject,
        "condition": firing.condition,
        "threshold": msgspec.Raw(plain(firing.threshold).encode()),
        "previousValue": None if previous is None else msgspec.Raw(plain(previous).encode()),
        "value": msgspec.Raw(plain(firing.observed_value).encode()),
        "source": firing.source,
        "observedAt": iso(firing.observed_at),
        "firedAt": iso(now),
    }
    return msgspec.json.encode(data).decode()
