"""SQL of the routes of alerts, beside `coinsphere.alerts.repository`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.alerts.repository import Alert
from coinsphere.alerts.rules import AlertType
from coinsphere.i18n import N_, gettext

MAX_ALERTS = 200

_COUNT = "select count(*) from app.alerts where user_id = %(user_id)s"
# The same values that an evaluation would look at now, asked for each alert of one user.
_STATES = """
    select
        alerts.id,
        users.email_verified as is_mailed,
        case alerts.alert_type
            when 'prediction' then exists (
                select from model.predictions p
                where p.token_id = alerts.token_id and horizon_days = 1 and target_at > %(now)s
                    and not is_shadow and not is_backfill
                    and not exists (
                        select from market.set_aside s
                        where s.token_id = p.token_id and s.state = 'held'
                            and (s.scope = 'token' or (s.scope = 'forecast' and s.about = p.origin_at))
                    )
            )
            when 'risk' then exists (
                select from market.risk_scores
                where token_id = alerts.token_id and computed_at > %(now)s - interval '2 days'
            )
            when 'volatility' then exists (
                select from market.risk_scores
                where token_id = alerts.token_id and computed_at > %(now)s - interval '2 days' and annual_volatility is not null
            )
            when 'stale_data' then exists (select from market.quotes where token_id = alerts.token_id)
            when 'reconciliation' then true
            when 'portfolio' then exists (
                select from app.holdings
                join market.tokens on tokens.id = holdings.token_id and tokens.is_active
                where portfolio_id = alerts.portfolio_id and amount > 0
            ) and not exists (
                select
                from app.holdings
                join market.tokens on tokens.id = holdings.token_id and tokens.is_active
                left join market.quotes
                    on quotes.token_id = holdings.token_id and quality = 'ok'
                    and observed_at > %(now)s - %(stale_after)s
                where portfolio_id = alerts.portfolio_id and amount > 0 and quotes.token_id is null
            )
            else exists (
                select from market.quotes
                where token_id = alerts.token_id and quality = 'ok' and observed_at > %(now)s - %(stale_after)s
                    and case alerts.alert_type
                        when 'volume' then volume_24h is not null
                        when 'percent_change' then change_24h is not null
                        else true
                    end
            )
        end as has_value
    from app.alerts
    join app.users on users.id = alerts.user_id
    where alerts.id = any(%(ids)s)
"""
_UNKNOWN = {
    AlertType.PRICE: N_(
        "no current price of %(symbol)s is known; the alert waits until that changes"
    ),
    AlertType.VOLUME: N_(
        "no current volume of %(symbol)s is known; the alert waits until that changes"
    ),
    AlertType.PERCENT_CHANGE: N_(
        "no current change of %(symbol)s over 24 hours is known; the alert waits until that changes"
    ),
    AlertType.RISK: N_(
        "no current risk score of %(symbol)s is known; the alert waits until that changes"
    ),
    AlertType.PREDICTION: N_(
        "no model forecasts %(symbol)s at present; the alert waits until that changes"
    ),
    AlertType.VOLATILITY: N_(
        "no current volatility of %(symbol)s is known; the alert waits until that changes"
    ),
    AlertType.DRAWDOWN: N_(
        "no current price of %(symbol)s is known; the alert waits until that changes"
    ),
    AlertType.STALE_DATA: N_("%(symbol)s never had a price; the alert waits until that changes"),
    AlertType.PORTFOLIO: N_(
        "the portfolio has no value: it is empty, or a price in it is missing; the alert waits until that changes"
    ),
}


@dataclass(frozen=True, slots=True)
class State:
    """Whether an alert has a value to compare now, and whether its owner can get mail."""

    id: UUID
    is_mailed: bool
    has_value: bool


def is_full(conn: Connection, user_id: UUID) -> bool:
    """Whether the user has as many alerts as are allowed."""
    row = conn.execute(_COUNT, {"user_id": user_id}).fetchone()
    return row is not None and int(row[0]) >= MAX_ALERTS


def states(
    conn: Connection, ids: Sequence[UUID], now: datetime, stale_after: timedelta
) -> Mapping[UUID, State]:
    """The states of alerts by their ids."""
    cursor = conn.cursor(row_factory=class_row(State))
    parameters = {"ids": list(ids), "now": now, "stale_after": stale_after}
    return {state.id: state for state in cursor.execute(_STATES, parameters)}


def warnings(alert: Alert, state: State) -> list[str]:
    """The reasons why an alert may not fire at present, or not be mailed; in the reader's language."""
    sentences = []
    if not state.has_value:
        sentences.append(gettext(_UNKNOWN[alert.alert_type]) % {"symbol": alert.token_symbol})
    if "email" in alert.channels and not state.is_mailed:
        sentences.append(gettext("no mail is sent before your address is confirmed"))
    return sentences
