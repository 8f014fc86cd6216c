"""A shared portfolio as the holder of a link sees it. Each look is written to the audit log."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from coinsphere.audit.events import Event
from coinsphere.portfolio import portfolios, sharing
from coinsphere.portfolio.model import EXACT
from coinsphere.portfolio.performance import stored_days
from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.performance.stored_days import Point
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.sharing import Shared
from coinsphere.portfolio.valuation import current_holdings
from coinsphere.portfolio.valuation.current_holdings import Holding
from webapi.http import errors
from webapi.portfolios import queries, scope
from webapi.portfolios.composition.routes import parts
from webapi.security import audit
from webapi.services import services

_WHAT = "shared portfolio"
_LONGEST = 100
_CENT = Decimal("0.01")
_GROWTH_STEP = Decimal("0.0001")


def open_link(secret: str) -> dict[str, Any]:
    """The portfolio as `SharedOut` takes it, with amounts hidden where its owner chose so.

    Raises:
        errors.Problem: 404, there is no such link (any more).
    """
    now = services().clock()
    shared = _shared(secret, now)
    with scope.connection(shared.user_id) as conn:
        portfolio = portfolios.get(conn, shared.user_id, shared.portfolio_id)
        if portfolio is None:
            raise errors.not_found(_WHAT)
        holdings = queries.holdings(conn, shared.user_id, [portfolio])[portfolio.id]
        first = portfolio.first_day or now.date()
        period = Period(shared.user_id, portfolio.id, first, now.date())
        points = stored_days.points(conn, period)
        identity = str(sharing.identify(conn, shared.user_id, secret))
        details = {"portfolio": str(portfolio.id)}
        audit.record(conn, Event.PORTFOLIO_SHARE_OPENED, target=identity, details=details)
    return _answer(portfolio, holdings, points, hides=shared.hides_amounts)


def _answer(
    portfolio: Portfolio, holdings: Sequence[Holding], points: Sequence[Point], *, hides: bool
) -> dict[str, Any]:
    sums = current_holdings.totals(holdings)
    return {
        "name": portfolio.name,
        "currency": portfolio.currency,
        "hidesAmounts": hides,
        "totalValue": None if hides else sums.total_value,
        "allocations": [_part(part, hides=hides) for part in parts(holdings)],
        "performance": [_point(point, hides=hides) for point in points],
        "unpriced": sums.unpriced,
        "stale": sums.stale,
        "missingRates": sums.missing_rates,
    }


def _shared(secret: str, now: datetime) -> Shared:
    """The share of a valid link."""
    with services().database.connection() as conn:
        shared = sharing.find(conn, secret, now) if len(secret) <= _LONGEST else None
    if shared is None:
        raise errors.not_found(_WHAT)
    return shared


def _part(part: dict[str, Any], *, hides: bool) -> dict[str, Any]:
    if not hides:
        return part
    exact = part["percentage"]
    rounded = None if exact is None else exact.quantize(_CENT, context=EXACT)
    return {**part, "amount": None, "value": None, "percentage": rounded}


def _point(point: Point, *, hides: bool) -> dict[str, Any]:
    growth = point.growth
    if hides and growth is not None:
        growth = growth.quantize(_GROWTH_STEP, context=EXACT)
    return {
        "date": point.day.isoformat(),
        "growth": growth,
        "value": None if hides else point.value,
    }
