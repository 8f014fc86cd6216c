"""Portfolios that their owners share: whoever has the link sees them, nobody may change them."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from coinsphere.portfolio import live, performance, portfolios, sharing
from coinsphere.portfolio.performance import Period
from webapi import errors
from webapi.portfolios import queries, scope
from webapi.portfolios.composition.routes import parts
from webapi.security.access import public
from webapi.services import services
from webapi.shared import schemas

blueprint = APIBlueprint("shared", __name__, tag="Portfolios")

_WHAT = "shared portfolio"
_LONGEST = 100


@blueprint.get("/<secret>")
@public
@blueprint.output(schemas.SharedOut)
def get_shared(secret: str) -> Response:
    """A portfolio as its owner shares it; with amounts hidden, only parts of the whole and growth are shown."""
    now = services().clock()
    with services().database.connection() as conn:
        shared = sharing.find(conn, secret, now) if len(secret) <= _LONGEST else None
    if shared is None:
        raise errors.not_found(_WHAT)
    with scope.connection(shared.user_id) as conn:
        found = portfolios.get(conn, shared.user_id, shared.portfolio_id)
        if found is None:
            raise errors.not_found(_WHAT)
        held = queries.holdings(conn, shared.user_id, [found])[found.id]
        first = found.first_day or now.date()
        period = Period(shared.user_id, found.id, first, now.date())
        points = performance.points(conn, period)
    sums = live.totals(held)
    hides = shared.hides_amounts
    body = {
        "name": found.name,
        "currency": found.currency,
        "hidesAmounts": hides,
        "totalValue": None if hides else sums.total_value,
        "allocations": [_part(part, hides=hides) for part in parts(held)],
        "performance": [
            {
                "date": point.day.isoformat(),
                "growth": point.growth,
                "value": None if hides else point.value,
            }
            for point in points
        ],
        "unpriced": sums.unpriced,
    }
    return scope.tagged(body)


def _part(part: dict[str, Any], *, hides: bool) -> dict[str, Any]:
    return {**part, "amount": None, "value": None} if hides else part
