"""Realised gains: each part of a lot that was sold, spent or lost."""

from datetime import datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from coinsphere.portfolio.performance import display_currency, realised_gains
from webapi.http import cursor
from webapi.portfolios import periods, queries, scope
from webapi.portfolios.gains import schemas
from webapi.security.access import signed_in

blueprint = APIBlueprint("portfolio_gains", __name__, tag="Portfolios")


@blueprint.get("/<portfolio_id>/gains")
@signed_in
@blueprint.input(schemas.GainsQuery, location="query")
@blueprint.output(schemas.GainsOut)
def list_gains(portfolio_id: str, query_data: schemas.GainsQuery) -> dict[str, Any]:
    """Realised gains of a period, the newest first: each part of a lot that was sold, spent or lost."""
    before = None if query_data.cursor is None else _gain_cursor(query_data.cursor)
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        period = periods.of(portfolio, query_data, usual=365)
        rows = realised_gains.gains(conn, period, query_data.limit + 1, before)
        currency = queries.shown_currency(conn, query_data.currency, portfolio.currency)
        total = realised_gains.realised(conn, period)
        if currency != portfolio.currency:
            converter = queries.converter(conn, portfolio, currency)
            rows = [display_currency.gain(row, converter) for row in rows]
            total = display_currency.realised(
                realised_gains.realised_by_day(conn, period), converter
            )
    shown = rows[: query_data.limit]
    last = shown[-1] if len(rows) > query_data.limit else None
    return {
        "currency": currency,
        "totalGain": total.gain,
        "unknown": total.unknown,
        "gains": [_gain(row) for row in shown],
        "nextCursor": None
        if last is None
        else cursor.encode([last.used_at.isoformat(), str(last.token_id), last.number]),
    }


def _gain(row: realised_gains.Gain) -> dict[str, Any]:
    return {
        "tokenSymbol": row.symbol,
        "transactionId": row.fact_id,
        "kind": row.kind,
        "usedAt": row.used_at,
        "acquiredAt": row.acquired_at,
        "quantity": row.quantity,
        "cost": row.cost,
        "proceeds": row.proceeds,
        "gain": row.gain,
    }


def _gain_cursor(text: str) -> tuple[datetime, UUID, int]:
    at, token_id, number = cursor.decode(text, 3)
    try:
        return datetime.fromisoformat(at), UUID(token_id), int(number)
    except (TypeError, ValueError, AttributeError):
        raise cursor.refused() from None
