"""Alerts of users in PostgreSQL. Every statement names the owner, so nobody finds an alert of somebody else."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.alerts.rules import AlertType, Condition


@dataclass(frozen=True, slots=True)
class NewAlert:
    """What a user asks for. `token_id`, or `portfolio_id` for the types `OF_PORTFOLIOS`."""

    alert_type: AlertType
    condition: Condition
    threshold: Decimal
    token_id: UUID | None = None
    portfolio_id: UUID | None = None
    channels: tuple[str, ...] = ("email",)
    channel_ids: tuple[UUID, ...] = ()
    cooldown_seconds: int = 3600
    hysteresis: Decimal = Decimal(0)
    is_active: bool = True
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert with its state; `token_symbol` is None for a portfolio."""

    id: UUID
    alert_type: AlertType
    token_id: UUID | None
    token_symbol: str | None
    portfolio_id: UUID | None
    condition: Condition
    threshold: Decimal
    channels: list[str]
    channel_ids: list[UUID]
    cooldown_seconds: int
    hysteresis: Decimal
    is_active: bool
    expires_at: datetime | None
    last_value: Decimal | None
    last_evaluated_at: datetime | None
    last_triggered_at: datetime | None
    trigger_count: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One firing: which value, from which source, observed when, fired the alert."""

    id: UUID
    fired_at: datetime
    condition: Condition
    threshold: Decimal
    previous_value: Decimal | None
    observed_value: Decimal
    source: str
    observed_at: datetime


# An alert is written when its value passes its threshold; other evaluations stand with its subject alone. They count if the
# alert was looked at then: on, not yet expired, and as it is now.
# A portfolio was compared, by its value or by bounds of it, with the prices that its tokens were compared with.
_SEEN = """
    (
        select evaluated_at, value
        from app.alert_observations
        where alert_type = alerts.alert_type and subject_id = coalesce(alerts.token_id, alerts.portfolio_id)
            and alerts.alert_type <> 'portfolio'
        union all
        select min(priced.evaluated_at), round(sum(holdings.amount * priced.value), 18)
        from app.holdings
        join market.tokens on tokens.id = holdings.token_id and tokens.is_active
        left join app.alert_observations as priced
            on priced.alert_type = 'price' and priced.subject_id = holdings.token_id
        where alerts.alert_type = 'portfolio' and holdings.portfolio_id = alerts.portfolio_id and holdings.amount > 0
        having count(*) > 0 and count(*) = count(priced.value)
    ) as seen
"""
_EVALUATED = f"""
    greatest(alerts.last_evaluated_at, (
        select seen.evaluated_at
        from {_SEEN}
        where alerts.is_active
            and alerts.last_value is not null
            and (alerts.expires_at is null or alerts.expires_at > seen.evaluated_at)
    ))
"""  # noqa: S608 - constants alone
# Of the newest evaluation; an alert that was being changed then has missed it, and waits on the other side.
_LAST_VALUE = f"""
    coalesce((
        select seen.value
        from {_SEEN}
        where alerts.is_active
            and (alerts.expires_at is null or alerts.expires_at > seen.evaluated_at)
            and sign(seen.value - alerts.threshold) = sign(alerts.last_value - alerts.threshold)
    ), alerts.last_value)
"""  # noqa: S608 - constants alone
_ALERT = (
    """
    select alerts.id, alert_type, token_id, tokens.symbol as token_symbol, portfolio_id, condition, threshold, channels,
           array(select channel_id from app.alert_channel_choices where alert_id = alerts.id order by 1) as channel_ids,
           cooldown_seconds, hysteresis, alerts.is_active, expires_at,
           last_triggered_at, trigger_count, alerts.created_at, alerts.updated_at,
    """  # noqa: S608 - constants alone
    + _EVALUATED
    + " as last_evaluated_at,"
    + _LAST_VALUE
    + """ as last_value
    from app.alerts
    left join market.tokens on tokens.id = alerts.token_id
"""
)
_LIST = (
    _ALERT
    + "where user_id = %(user_id)s order by alerts.created_at desc, alerts.id limit %(limit)s"
)
_GET = _ALERT + "where user_id = %(user_id)s and alerts.id = %(id)s"
# The portfolio must be the user's own: a foreign one inserts nothing.
_CREATE = """
    insert into app.alerts
        (user_id, alert_type, token_id, portfolio_id, condition, threshold, channels, cooldown_seconds, hysteresis,
         is_active, expires_at)
    select %(user_id)s, %(alert_type)s, %(token_id)s, %(portfolio_id)s, %(condition)s, %(threshold)s, %(channels)s,
           %(cooldown_seconds)s, %(hysteresis)s, %(is_active)s, %(expires_at)s
    where %(portfolio_id)s::uuid is null
       or exists (select from app.portfolios where id = %(portfolio_id)s and user_id = %(user_id)s)
    returning id
"""
# A changed alert starts anew: its last value was compared with another threshold.
_UPDATE = (
    """
    update app.alerts set
        alert_type = %(alert_type)s, token_id = %(token_id)s, portfolio_id = %(portfolio_id)s,
        condition = %(condition)s, threshold = %(threshold)s, channels = %(channels)s,
        cooldown_seconds = %(cooldown_seconds)s, hysteresis = %(hysteresis)s, is_active = %(is_active)s,
        expires_at = %(expires_at)s, last_value = null, is_armed = true, updated_at = now(), last_evaluated_at =
    """
    + _EVALUATED
    + """
    where user_id = %(user_id)s and id = %(id)s
      and (%(portfolio_id)s::uuid is null
           or exists (select from app.portfolios where id = %(portfolio_id)s and user_id = %(user_id)s))
"""
)
_TOGGLE = (
    """
    update app.alerts set
        is_active = not is_active, last_value = null, is_armed = true, updated_at = now(), last_evaluated_at =
    """
    + _EVALUATED
    + "where user_id = %(user_id)s and id = %(id)s"
)
# Only channels of the user are chosen.
_CHOOSE = """
    with gone as (
        delete from app.alert_channel_choices
        where alert_id = %(id)s and channel_id <> all(%(channel_ids)s)
    )
    insert into app.alert_channel_choices (alert_id, channel_id)
    select %(id)s, id from app.alert_channels where user_id = %(user_id)s and id = any(%(channel_ids)s)
    on conflict do nothing
"""
_DELETE = "delete from app.alerts where user_id = %(user_id)s and id = %(id)s"
_EVENTS = """
    select events.id, fired_at, events.condition, events.threshold, previous_value, observed_value, source, observed_at
    from app.alert_events as events
    join app.alerts on alerts.id = events.alert_id
    where alerts.user_id = %(user_id)s and alerts.id = %(id)s
    order by fired_at desc, events.id
    limit %(limit)s
"""


def list_for(conn: Connection, user_id: UUID, limit: int = 1000) -> list[Alert]:
    """The user's alerts, newest first."""
    cursor = conn.cursor(row_factory=class_row(Alert))
    return cursor.execute(_LIST, {"user_id": user_id, "limit": limit}).fetchall()


def get(conn: Connection, user_id: UUID, alert_id: UUID) -> Alert | None:
    """One alert of the user; None where there is none of that id."""
    cursor = conn.cursor(row_factory=class_row(Alert))
    return cursor.execute(_GET, {"user_id": user_id, "id": alert_id}).fetchone()


def create(conn: Connection, user_id: UUID, new: NewAlert) -> Alert | None:
    """Store an alert; None where the portfolio that it names is not the user's."""
    row = conn.execute(_CREATE, _values(user_id, new)).fetchone()
    if row is None:
        return None
    _choose(conn, user_id, row[0], new)
    return get(conn, user_id, row[0])


def update(conn: Connection, user_id: UUID, alert_id: UUID, new: NewAlert) -> Alert | None:
    """Replace an alert's definition and start it anew; None where there is none, or the portfolio is not the user's."""
    changed = conn.execute(_UPDATE, {"id": alert_id, **_values(user_id, new)}).rowcount
    if not changed:
        return None
    _choose(conn, user_id, alert_id, new)
    return get(conn, user_id, alert_id)


def toggle(conn: Connection, user_id: UUID, alert_id: UUID) -> Alert | None:
    """Switch an alert off or on; None where there is none."""
    changed = conn.execute(_TOGGLE, {"user_id": user_id, "id": alert_id}).rowcount
    return get(conn, user_id, alert_id) if changed else None


def delete(conn: Connection, user_id: UUID, alert_id: UUID) -> bool:
    """Delete an alert and its events; False where there is none."""
    return conn.execute(_DELETE, {"user_id": user_id, "id": alert_id}).rowcount == 1


def events(
    conn: Connection, user_id: UUID, alert_id: UUID, limit: int = 100
) -> Sequence[AlertEvent]:
    """The firings of one alert of the user, newest first."""
    cursor = conn.cursor(row_factory=class_row(AlertEvent))
    return cursor.execute(_EVENTS, {"user_id": user_id, "id": alert_id, "limit": limit}).fetchall()


def _choose(conn: Connection, user_id: UUID, alert_id: UUID, new: NewAlert) -> None:
    chosen = {"user_id": user_id, "id": alert_id, "channel_ids": list(new.channel_ids)}
    conn.execute(_CHOOSE, chosen)


def _values(user_id: UUID, new: NewAlert) -> dict[str, object]:
    return {**asdict(new), "user_id": user_id, "channels": list(new.channels)}
