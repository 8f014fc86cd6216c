"""What a user's portfolios are worth: the API's own sums, in the order in which one reads them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere.alerts import repository as alerts
from coinsphere.alerts.repository import Alert
from coinsphere.portfolio import issues, portfolios
from coinsphere.portfolio.issues import Issue
from coinsphere.portfolio.performance.period import Period
from webapi.portfolios import overview
from webapi.portfolios.performance import reading
from webapi.services import services
from webui.charts import Row, Series
from webui.security import cookies

_HISTORY = timedelta(days=365)
_SHOWN = 6
_MOVERS = 4


@dataclass(frozen=True, slots=True)
class Part:
    """One token over all portfolios; None is what nobody knows."""

    symbol: str
    name: str
    value: Decimal | None
    change_24h: Decimal | None
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class Worth:
    """Sums over all portfolios in one currency."""

    body: dict[str, Any]
    parts: tuple[Part, ...]

    @property
    def currency(self) -> str:
        """Of all amounts."""
        return str(self.body["currency"])

    @property
    def is_empty(self) -> bool:
        """Whether nothing is held anywhere."""
        return not self.parts and not self.body["netWorth"]

    @property
    def largest(self) -> Sequence[Part]:
        """The largest parts."""
        return self.parts[:_SHOWN]

    @property
    def rest(self) -> Decimal:
        """The share of all that are not among the largest."""
        return sum((part.share or Decimal(0) for part in self.parts[_SHOWN:]), Decimal(0))

    @property
    def movers(self) -> Sequence[Part]:
        """What moved most in 24 hours."""
        moved = [part for part in self.parts if part.change_24h is not None]
        return sorted(moved, key=_movement, reverse=True)[:_MOVERS]


def _movement(part: Part) -> Decimal:
    return abs(part.change_24h or Decimal(0))


def now(conn: Connection, owner: UUID) -> Worth:
    """What all portfolios of `owner` come to at this moment, in the currency that the reader chose, else their common one."""
    own = overview.portfolios_with_totals(conn, owner, None, summed_in=cookies.currency())
    body = overview.portfolios_with_totals(conn, owner, own["currency"]) if _differ(own) else own
    holdings = [holding for portfolio in body["portfolios"] for holding in portfolio["holdings"]]
    return Worth(body, tuple(_parts(holdings)))


def _differ(body: dict[str, Any]) -> bool:
    return any(portfolio["displayCurrency"] != body["currency"] for portfolio in body["portfolios"])


def _parts(holdings: Iterable[dict[str, Any]]) -> list[Part]:
    """One part per token, the largest first, those without a price last."""
    by_token: dict[UUID, list[dict[str, Any]]] = {}
    for holding in holdings:
        if holding["amount"]:
            by_token.setdefault(holding["token"]["id"], []).append(holding)
    sums = {key: _known([row["currentValue"] for row in rows]) for key, rows in by_token.items()}
    total = sum((value for value in sums.values() if value is not None), Decimal(0))
    parts = [_part(rows, sums[key], total) for key, rows in by_token.items()]
    return sorted(parts, key=lambda part: (part.value is None, -(part.value or 0), part.symbol))


def _part(rows: list[dict[str, Any]], value: Decimal | None, total: Decimal) -> Part:
    token = rows[0]["token"]
    share = value / total if value is not None and total > 0 else None
    return Part(token["symbol"], token["name"], value, token["priceChange24h"], share)


def _known(values: Sequence[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if len(known) == len(values) else None


def history(conn: Connection, owner: UUID, currency: str) -> Series | None:
    """Value and cost of all portfolios by day, a year at most; None before the first day is valued.

    A day on which one portfolio's value is not known has none: a sum without it would look like a loss. One in which
    nothing has a price yet is not there yet, and takes no other's day away.
    """
    today = services().clock().date()
    days: dict[date, list[tuple[Decimal | None, Decimal | None]]] = {}
    for portfolio in portfolios.list_for(conn, owner):
        if portfolio.first_day is None:
            continue
        first = max(portfolio.first_day, today - _HISTORY)
        period = Period(owner, portfolio.id, min(first, today), today)
        for point in reading.points(conn, portfolio, period, currency):
            if not point.is_unpriced:
                days.setdefault(point.day, []).append((point.value, point.cost))
    rows = [
        Row(_midnight(day), tuple(_known(values) for values in zip(*pairs, strict=True)))
        for day, pairs in sorted(days.items())
    ]
    return Series.of(rows) if len(rows) > 1 else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def open_issues(conn: Connection, owner: UUID) -> list[Issue]:
    """What somebody has to look at, the newest first."""
    return issues.open_of(conn, owner, _SHOWN)


def fired(conn: Connection, owner: UUID) -> list[Alert]:
    """Alerts that fired last, the newest first."""
    fired_alerts = [
        alert for alert in alerts.list_for(conn, owner) if alert.last_triggered_at is not None
    ]
    return sorted(fired_alerts, key=lambda alert: str(alert.last_triggered_at), reverse=True)[
        :_SHOWN
    ]
