"""What a portfolio is made of, and what each asset added to it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal, localcontext
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from coinsphere.portfolio.model import EXACT, UNIT, ZERO
from coinsphere.portfolio.performance import contributions
from coinsphere.portfolio.valuation import current_holdings
from coinsphere.portfolio.valuation.current_holdings import Holding
from coinsphere.portfolio.valuation.stored_market import StoredMarket
from coinsphere.portfolio.valuer import Valuer
from webapi.portfolios import periods, queries, scope
from webapi.portfolios.composition import schemas
from webapi.portfolios.periods import CurrencyQuery, PeriodQuery
from webapi.security.access import signed_in
from webapi.services import services

blueprint = APIBlueprint("portfolio_composition", __name__, tag="Portfolios")

_DAY = timedelta(days=1)


@blueprint.get("/<portfolio_id>/allocation")
@signed_in
@blueprint.input(CurrencyQuery, location="query")
@blueprint.output(schemas.AllocationOut)
def get_allocation(portfolio_id: str, query_data: CurrencyQuery) -> Response:
    """What a portfolio is made of at current prices, the largest part first."""
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        currency = queries.shown_currency(conn, query_data.currency, portfolio.currency)
        holdings = queries.holdings(conn, scope.user_id(), [portfolio], shown=currency)[
            portfolio.id
        ]
        rate_date = queries.rate_date(conn, portfolio, currency)
    totals = current_holdings.totals(holdings)
    body = {
        "totalValue": totals.total_value,
        "currency": currency,
        "rateDate": rate_date,
        "allocations": parts(holdings),
        "unpriced": totals.unpriced,
        "stale": totals.stale,
        "missingRates": totals.missing_rates,
    }
    return scope.tagged(body)


@blueprint.get("/<portfolio_id>/contributions")
@signed_in
@blueprint.input(PeriodQuery, location="query")
@blueprint.output(schemas.ContributionsOut)
def get_contributions(portfolio_id: str, query_data: PeriodQuery) -> Response:
    """What each asset added to a portfolio in a period; null where one of its ends has no price."""
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        asked = periods.of(portfolio, query_data)
        period = replace(asked, last=min(asked.last, services().clock().date() - _DAY))
        crossed = defaultdict(list)
        for flow in contributions.flows(conn, period):
            crossed[flow.token_id].append(flow)
        ends = contributions.ends(conn, period)
        market = StoredMarket(conn)
        market.prepare([end.token_id for end in ends], period.first - _DAY)
        worth = Valuer(market, portfolio.currency).worth
        by_asset = [
            contributions.contribution(end, crossed[end.token_id], worth, period) for end in ends
        ]
    body = {
        "currency": portfolio.currency,
        "firstDay": period.first.isoformat(),
        "lastDay": period.last.isoformat(),
        "contributions": [_contribution(contribution) for contribution in by_asset],
    }
    return scope.tagged(body)


def parts(holdings: Sequence[Holding]) -> list[dict[str, Any]]:
    """Each token's share of the whole, the largest first."""
    worth = current_holdings.weights(holdings)
    with localcontext(EXACT):
        total = sum(worth.values(), ZERO)
        amounts: dict[UUID, Decimal] = defaultdict(Decimal)
        for holding in holdings:
            amounts[holding.row.token_id] += holding.row.amount
        names = {holding.row.token_id: holding.row for holding in holdings}
        return [
            {
                "symbol": names[token_id].symbol,
                "name": names[token_id].name,
                "logoUrl": names[token_id].logo_url,
                "amount": amounts[token_id],
                "value": value,
                "percentage": (100 * value / total).quantize(UNIT) if total else None,
            }
            for token_id, value in sorted(worth.items(), key=lambda item: (-item[1], str(item[0])))
        ]


def _contribution(contribution: contributions.Contribution) -> dict[str, Any]:
    return {
        "symbol": contribution.symbol,
        "name": contribution.name,
        "startValue": contribution.start_value,
        "endValue": contribution.end_value,
        "inflow": contribution.inflow,
        "outflow": contribution.outflow,
        "income": contribution.income,
        "gain": contribution.gain,
    }
