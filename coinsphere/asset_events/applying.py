"""Applies an asset event: changes which token is listed and what alerts watch, and has books made anew. Runs in the worker's role."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere import i18n
from coinsphere.asset_events import mail_templates
from coinsphere.asset_events.mail_templates import Threshold
from coinsphere.market.reference import asset_events
from coinsphere.market.reference.asset_events import AssetEvent, EventKind
from coinsphere.notify import mail
from coinsphere.notify.templates import Message
from coinsphere.portfolio import invalidations

# A token that ended, or is delisted, is asked for no more: its last price stays, and grows stale.
_LIST = """
    update market.tokens t set is_active = (t.id = any(%(begin)s))
    where t.id = any(%(begin)s || %(end)s) and t.is_active <> (t.id = any(%(begin)s))
"""
# A threshold that was set in the new unit already is left alone. One that cannot be written in it stops the alert.
_CONVERT = """
    with affected as (
        select a.id, a.threshold, a.alert_type = 'price' as is_price,
            round(a.threshold * %(old)s / %(new)s, 18) as new_threshold
        from app.alerts a
        where a.token_id = %(token_id)s
            and (%(successor_id)s::uuid is not null or a.alert_type = 'price' and a.updated_at < %(happened_at)s)
        for update
    ),
    judged as (
        select *, is_price and (new_threshold >= 1e20 or new_threshold = 0 and threshold > 0) as is_lost from affected
    ),
    changed as (
        update app.alerts a set
            token_id = coalesce(%(successor_id)s, a.token_id),
            threshold = case when is_price and not is_lost then new_threshold else a.threshold end,
            hysteresis = case when is_price and not is_lost
                then least(round(a.hysteresis * %(old)s / %(new)s, 18), new_threshold) else a.hysteresis end,
            last_value = case when is_price then null else a.last_value end,
            is_active = a.is_active and not is_lost,
            updated_at = %(now)s
        from judged j
        where j.id = a.id
        returning a.user_id, a.alert_type, j.threshold as before, a.threshold as after, j.is_lost as is_stopped
    )
    select changed.*, users.email, users.locale
    from changed join app.users on users.id = changed.user_id
    where users.is_active and users.email_verified
    order by changed.user_id, changed.is_stopped, changed.before
"""
_STOP = """
    with changed as (
        update app.alerts set is_active = false, updated_at = %(now)s
        where token_id = %(token_id)s and is_active
        returning user_id, alert_type, threshold as before, threshold as after, true as is_stopped
    )
    select changed.*, users.email, users.locale
    from changed join app.users on users.id = changed.user_id
    where users.is_active and users.email_verified
    order by changed.user_id
"""
_PART = "select market.part_reused_ticker(%(event)s, %(now)s)"
_MARK = """
    insert into app.booking_marks (user_id, token_id, since)
    select user_id, token_id, %(happened_at)s
    from (
        select user_id, token_id from app.transactions where token_id = any(%(token_ids)s)
        union select user_id, fee_token_id from app.transactions where fee_token_id = any(%(token_ids)s)
        union select user_id, counter_token_id from app.transactions where counter_token_id = any(%(token_ids)s)
        union select user_id, token_id from app.lots where token_id = any(%(token_ids)s)
    ) as booked
    returning user_id
"""


@dataclass(frozen=True, slots=True)
class _Changed:
    """An alert that an event changed, and whom to tell."""

    user_id: UUID
    alert_type: str
    before: Decimal
    after: Decimal
    is_stopped: bool
    email: str
    locale: str | None


def apply_due(conn: Connection, now: datetime) -> int:
    """Apply the events that are due, in order, each in its own transaction. Returns how many."""
    done = 0
    while _apply_next(conn, now):
        done += 1
    return done


def _apply_next(conn: Connection, now: datetime) -> bool:
    with conn.transaction():
        event = asset_events.next_due(conn, now)
        if event is None:
            return False
        _relist(conn, event)
        if event.removed_at is None:
            _tell(conn, event, _change_alerts(conn, event, now))
            conn.execute(_PART, {"event": event.id, "now": now})
        _mark_books(conn, event)
        asset_events.applied(conn, event.id, now)
    return True


def _relist(conn: Connection, event: AssetEvent) -> None:
    ends = event.is_succession or event.kind == EventKind.DELISTING
    if not ends and event.kind != EventKind.RELISTING:
        return
    is_listed = (event.kind == EventKind.RELISTING) == (event.removed_at is None)
    begin, end = ([event.token_id], []) if is_listed else ([], [event.token_id])
    if event.successor_id is not None and event.removed_at is None:
        begin = [event.successor_id]
    conn.execute(_LIST, {"begin": begin, "end": end})


def _change_alerts(conn: Connection, event: AssetEvent, now: datetime) -> list[_Changed]:
    parameters: dict[str, Any] = {
        "token_id": event.token_id, "successor_id": event.successor_id, "happened_at": event.happened_at, "now": now,
        "old": event.old_units, "new": event.new_units,
    }  # fmt: skip
    cursor = conn.cursor(row_factory=class_row(_Changed))
    if event.kind == EventKind.DELISTING:
        return cursor.execute(_STOP, parameters).fetchall()
    if event.is_succession or event.kind == EventKind.REDENOMINATION:
        return cursor.execute(_CONVERT, parameters).fetchall()
    return []


def _tell(conn: Connection, event: AssetEvent, changed: Sequence[_Changed]) -> None:
    """One mail to each owner about alerts that go on, and one about those that were stopped."""
    heir = event.successor_symbol or f"{event.ratio} {event.symbol}"
    mails = []
    for (_, is_stopped), each in groupby(changed, attrgetter("user_id", "is_stopped")):
        alerts = list(each)
        prices = [Threshold(a.before, a.after) for a in alerts if a.alert_type == "price"]
        write = (
            partial(mail_templates.stopped, event.symbol)
            if is_stopped
            else partial(mail_templates.converted, event.symbol, heir, prices)
        )
        mails.append(_mail(alerts[0], write))
    mail.enqueue_all(conn, mails)


def _mail(to: _Changed, write: Callable[[], Message]) -> mail.NewMail:
    with i18n.speaking(to.locale):
        message = write()
    return mail.NewMail(to.email, message.subject, message.text, message.html, user_id=to.user_id)


def _mark_books(conn: Connection, event: AssetEvent) -> None:
    """Have the books of all who have the token, or its heir, made anew from the event on."""
    if event.kind in (EventKind.DELISTING, EventKind.RELISTING):
        return
    token_ids = [each for each in (event.token_id, event.successor_id) if each is not None]
    marked = conn.execute(_MARK, {"token_ids": token_ids, "happened_at": event.happened_at})
    for user_id in sorted({user_id for (user_id,) in marked}):
        invalidations.enqueue(conn, user_id)
