"""What a portfolio became over time: read from stored days, never computed from transactions."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation, localcontext
from itertools import pairwise
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from psycopg import Connection

from coinsphere.portfolio import facts as recorded
from coinsphere.portfolio import issues, live, marks, performance, returns, risk, transfers
from coinsphere.portfolio.history import StoredMarket
from coinsphere.portfolio.legs import Valuer
from coinsphere.portfolio.live import Holding
from coinsphere.portfolio.model import EXACT, UNIT, ZERO
from coinsphere.portfolio.performance import Period, Point
from coinsphere.portfolio.portfolios import Portfolio
from webapi import cursor, errors, paths
from webapi.portfolios import queries, schemas, scope
from webapi.schema import Message
from webapi.security.access import signed_in
from webapi.services import services
from webapi.tokens import symbols

blueprint = APIBlueprint("portfolio_reports", __name__, tag="Portfolios")

_DAY = timedelta(days=1)
_USUAL_DAYS = 30
_CORRELATED = 20
"""Assets whose correlations are given: the largest."""


@blueprint.get("/<portfolio_id>/performance")
@signed_in
@blueprint.input(schemas.PeriodQuery, location="query")
@blueprint.output(schemas.PerformanceOut)
def get_performance(portfolio_id: str, query_data: schemas.PeriodQuery) -> Response:
    """Values over time, at most 1,000 points, and the returns of the period's closed days.

    `explain=true` adds the cash flows and the daily sub-periods that the returns come from.
    """
    with scope.connection() as conn:
        found = scope.find(conn, portfolio_id)
        period = _period(found, query_data)
        points = performance.points(conn, period)
        before, days = performance.days(conn, period)
        gained = performance.realised(conn, period)
        compared = _benchmark(conn, found, query_data.benchmark, period, points)
        held = queries.holdings(conn, scope.user_id(), [found])[found.id]
    outcome = returns.over(before, days)
    series = [_point(point, compared.get(point.day)) for point in points]
    if period.last >= services().clock().date():
        series.append(_live_point(held))
    body = {
        "portfolioId": found.id,
        "currency": found.currency,
        "dataPoints": len(series),
        "performance": series,
        "returns": None if outcome is None else _returns(outcome),
        "unavailable": None if outcome is not None else _why(days),
        "realisedGain": gained.gain,
        "realisedUnknown": gained.unknown,
        "benchmark": _compared(query_data.benchmark, compared),
        "explain": _explained(before, days) if query_data.explain and outcome is not None else None,
        "isPending": found.is_pending,
    }
    return scope.tagged(body)


@blueprint.get("/<portfolio_id>/allocation")
@signed_in
@blueprint.output(schemas.AllocationOut)
def get_allocation(portfolio_id: str) -> Response:
    """What a portfolio is made of at current prices, the largest part first."""
    with scope.connection() as conn:
        found = scope.find(conn, portfolio_id)
        held = queries.holdings(conn, scope.user_id(), [found])[found.id]
    sums = live.totals(held)
    body = {
        "totalValue": sums.total_value,
        "currency": found.currency,
        "allocations": parts(held),
        "unpriced": sums.unpriced,
    }
    return scope.tagged(body)


@blueprint.get("/<portfolio_id>/risk")
@signed_in
@blueprint.input(schemas.PeriodQuery, location="query")
@blueprint.output(schemas.RiskOut)
def get_risk(portfolio_id: str, query_data: schemas.PeriodQuery) -> Response:
    """How much a portfolio may lose, by its own history; null where there are under 30 days of it."""
    with scope.connection() as conn:
        found = scope.find(conn, portfolio_id)
        period = _period(found, query_data, usual=365)
        grown = performance.growth(conn, period)
        held = queries.holdings(conn, scope.user_id(), [found])[found.id]
        moves = _moves(conn, held, period)
    judged = risk.assess([each.day for each in grown], [each.growth for each in grown])
    weights = [float(value) for value in live.weights(held).values()]
    fall = judged.drawdown
    body = {
        "portfolioId": found.id,
        "currency": found.currency,
        "days": judged.days,
        "volatility": _percent(judged.volatility),
        "sharpe": judged.sharpe,
        "sortino": judged.sortino,
        "valueAtRisk95": _percent(judged.value_at_risk),
        "expectedShortfall95": _percent(judged.expected_shortfall),
        "maxDrawdown": None
        if fall is None
        else {
            "percentage": _percent(fall.depth),
            "peakDay": fall.peak_day.isoformat(),
            "lowDay": fall.low_day.isoformat(),
        },
        "concentration": risk.concentration(weights),
        "correlations": risk.correlations(moves),
        "method": "historical",
    }
    return scope.tagged(body)


@blueprint.get("/<portfolio_id>/contributions")
@signed_in
@blueprint.input(schemas.PeriodQuery, location="query")
@blueprint.output(schemas.ContributionsOut)
def get_contributions(portfolio_id: str, query_data: schemas.PeriodQuery) -> Response:
    """What each asset added to a portfolio in a period; null where one of its ends has no price."""
    with scope.connection() as conn:
        found = scope.find(conn, portfolio_id)
        asked = _period(found, query_data)
        period = replace(asked, last=min(asked.last, services().clock().date() - _DAY))
        crossed = defaultdict(list)
        for flow in performance.flows(conn, period):
            crossed[flow.token_id].append(flow)
        worth = Valuer(StoredMarket(conn), found.currency).worth
        made = [
            performance.contribution(each, crossed[each.token_id], worth, period)
            for each in performance.ends(conn, period)
        ]
    body = {
        "currency": found.currency,
        "firstDay": period.first.isoformat(),
        "lastDay": period.last.isoformat(),
        "contributions": [_contribution(each) for each in made],
    }
    return scope.tagged(body)


@blueprint.get("/<portfolio_id>/gains")
@signed_in
@blueprint.input(schemas.GainsQuery, location="query")
@blueprint.output(schemas.GainsOut)
def list_gains(portfolio_id: str, query_data: schemas.GainsQuery) -> dict[str, Any]:
    """Realised gains of a period, the newest first: each part of a lot that was sold, spent or lost."""
    before = None if query_data.cursor is None else _gain_cursor(query_data.cursor)
    with scope.connection() as conn:
        found = scope.find(conn, portfolio_id)
        period = _period(found, query_data, usual=365)
        rows = performance.gains(conn, period, query_data.limit + 1, before)
        total = performance.realised(conn, period)
    shown = rows[: query_data.limit]
    last = shown[-1] if len(rows) > query_data.limit else None
    return {
        "currency": found.currency,
        "totalGain": total.gain,
        "unknown": total.unknown,
        "gains": [
            {
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
            for row in shown
        ],
        "nextCursor": None
        if last is None
        else cursor.encode([last.used_at.isoformat(), str(last.token_id), last.number]),
    }


@blueprint.get("/<portfolio_id>/issues")
@signed_in
@blueprint.input(schemas.IssuesQuery, location="query")
@blueprint.output(schemas.IssuesOut)
def list_issues(portfolio_id: str, query_data: schemas.IssuesQuery) -> dict[str, Any]:
    """What somebody has to look at, the newest first, each with what to do."""
    before = None if query_data.cursor is None else _issue_cursor(query_data.cursor)
    with scope.connection() as conn:
        found = scope.find(conn, portfolio_id)
        rows = issues.list_for(
            conn,
            scope.user_id(),
            found.id,
            state=query_data.state,
            limit=query_data.limit + 1,
            before=before,
        )
    shown = rows[: query_data.limit]
    last = shown[-1] if len(rows) > query_data.limit else None
    following = None if last is None else cursor.encode([last.found_at.isoformat(), str(last.id)])
    return {"issues": shown, "nextCursor": following}


@blueprint.post("/<portfolio_id>/issues/<issue_id>/resolve")
@signed_in
@blueprint.input(schemas.IssueChange)
@blueprint.output(schemas.OneIssueOut)
def resolve_issue(
    portfolio_id: str, issue_id: str, json_data: schemas.IssueChange
) -> dict[str, Any]:
    """Say what becomes of an issue: one that is dismissed stays so, one that is found again opens again."""
    with scope.connection() as conn:
        found = scope.find(conn, portfolio_id)
        changed = issues.change(
            conn, scope.user_id(), found.id, paths.uuid(issue_id, "issue"),
            state=json_data.state, note=json_data.note,
        )  # fmt: skip
    if changed is None:
        raise errors.not_found("issue")
    return {"issue": changed}


@blueprint.post("/<portfolio_id>/transfers")
@signed_in
@blueprint.input(schemas.TransferDecision)
@blueprint.output(Message, example={"message": "Transfer confirmed"})
def decide_transfer(portfolio_id: str, json_data: schemas.TransferDecision) -> dict[str, str]:
    """Confirm or reject that two transactions are the ends of one own transfer; lots move, or do not, accordingly."""
    pair = (json_data.out_transaction_id, json_data.in_transaction_id)
    with scope.connection() as conn:
        scope.find(conn, portfolio_id)
        marks.lock(conn, scope.user_id())
        ends = transfers.ends(conn, scope.user_id(), pair)
        if ends is None:
            raise errors.not_found(
                "pair of transfers of one token, with no more coming in than going out,"
            )
        transfers.decide(conn, scope.user_id(), ends.token_id, pair, json_data.decision)
        recorded.update_books(conn, scope.user_id(), {ends.token_id: ends.at}, services().clock())
    return {"message": f"Transfer {json_data.decision}"}


def parts(held: Sequence[Holding]) -> list[dict[str, Any]]:
    """Each token's part of the whole, the largest first."""
    worth = live.weights(held)
    with localcontext(EXACT):
        total = sum(worth.values(), ZERO)
        amounts: dict[UUID, Decimal] = defaultdict(Decimal)
        for each in held:
            amounts[each.row.token_id] += each.row.amount
        names = {each.row.token_id: each.row for each in held}
        return [
            {
                "symbol": names[token_id].symbol,
                "name": names[token_id].name,
                "logoUrl": names[token_id].logo_url,
                "amount": amounts[token_id],
                "value": value,
                "percentage": (100 * value / total).quantize(UNIT) if total else ZERO,
            }
            for token_id, value in sorted(worth.items(), key=lambda item: (-item[1], str(item[0])))
        ]


def _period(found: Portfolio, asked: schemas.PeriodQuery, usual: int = _USUAL_DAYS) -> Period:
    """The days that are asked for, from the portfolio's first on. Raises `errors.Problem` with status 400."""
    today = services().clock().date()
    last = min(asked.last or today, today)
    first = asked.first or last - timedelta(days=(asked.days or usual) - 1)
    if first > last:
        raise errors.invalid(
            [{"path": "from", "message": "lies after the last day", "code": "period"}]
        )
    if found.first_day is not None:
        first = min(max(first, found.first_day), last)
    return Period(scope.user_id(), found.id, first, last)


def _why(days: Sequence[returns.DayOfReturn]) -> str:
    return returns.NO_RATE if days else "nothing was held on a closed day of this period"


def _returns(outcome: returns.Returns) -> dict[str, Any]:
    return {
        "firstDay": outcome.first_day.isoformat(),
        "lastDay": outcome.last_day.isoformat(),
        "startValue": outcome.start_value,
        "endValue": outcome.end_value,
        "inflow": outcome.inflow,
        "outflow": outcome.outflow,
        "gain": outcome.gain,
        "timeWeighted": _rate(outcome.time_weighted),
        "moneyWeighted": _rate(outcome.money_weighted),
        "simple": _rate(outcome.simple),
    }


def _rate(found: returns.Return) -> dict[str, Any]:
    return {"percentage": returns.percent(found.rate), "reason": found.reason}


def _explained(
    before: returns.DayOfReturn | None, days: Sequence[returns.DayOfReturn]
) -> dict[str, Any]:
    return {
        "cashFlows": [
            {"date": flow.day.isoformat(), "amount": flow.amount}
            for flow in returns.cash_flows(before, days)
        ],
        "subPeriods": [
            {
                "date": each.day.isoformat(),
                "invested": each.invested,
                "result": each.result,
                "percentage": returns.percent(each.rate),
            }
            for each in returns.sub_periods(before, days)
        ],
    }


def _point(point: Point, benchmark: Decimal | None) -> dict[str, Any]:
    return {
        "date": point.day.isoformat(),
        "value": point.value,
        "cost": point.cost,
        "growth": point.growth,
        "filledAssets": point.filled_assets,
        "unpricedAssets": point.unpriced_assets,
        "benchmark": benchmark,
        "isLive": False,
    }


def _live_point(held: Sequence[Holding]) -> dict[str, Any]:
    sums = live.totals(held)
    return {
        "date": services().clock().date().isoformat(),
        "value": sums.total_value,
        "cost": sums.total_cost,
        "growth": None,
        "filledAssets": sum(each.is_stale for each in held),
        "unpricedAssets": len(sums.unpriced),
        "benchmark": None,
        "isLive": True,
    }


def _benchmark(
    conn: Connection, found: Portfolio, asked: str | None, period: Period, points: Sequence[Point]
) -> Mapping[date, Decimal]:
    """What 1 of the portfolio's currency, put into the mix at the start, was worth on each point's day."""
    if asked is None:
        return {}
    mix = [(symbols.find(conn, symbol).id, weight) for symbol, weight in _mix(asked)]
    market = StoredMarket(conn)
    worth = Valuer(market, found.currency).worth
    grown: dict[date, Decimal] = {}
    with localcontext(EXACT):
        start = [worth(token_id, _UNITS, period.first - _DAY) for token_id, _ in mix]
        for point in points:
            end = [worth(token_id, _UNITS, point.day) for token_id, _ in mix]
            pairs = list(zip(start, end, mix, strict=True))
            if all(one and other for one, other, _ in pairs):
                level = sum(
                    (weight * other / one for one, other, (_, weight) in pairs if one and other),
                    ZERO,
                )
                grown[point.day] = level.quantize(UNIT)
    return grown


_UNITS = Decimal(10**9)
"""So many units are valued, as one of a small token rounds to few digits."""


def _mix(asked: str) -> list[tuple[str, Decimal]]:
    """`BTC`, or `BTC:0.6,ETH:0.4`, with weights that sum to 1. Raises `errors.Problem` with status 400."""
    if ":" not in asked:
        return [(asked.strip(), Decimal(1))]
    try:
        pairs = [part.split(":") for part in asked.split(",")]
        mix = [(symbol.strip(), Decimal(weight)) for symbol, weight in pairs]
    except (ValueError, InvalidOperation):
        mix = []
    if not mix or any(not 0 < weight <= 1 for _, weight in mix) or sum(w for _, w in mix) != 1:
        message = "is a token, or a mix as BTC:0.6,ETH:0.4 whose weights sum to 1"
        raise errors.invalid([{"path": "benchmark", "message": message, "code": "benchmark"}])
    return mix


def _compared(asked: str | None, grown: Mapping[date, Decimal]) -> dict[str, Any] | None:
    if asked is None:
        return None
    if not grown:
        return {
            "mix": asked,
            "percentage": None,
            "reason": "a token of the mix has no price before this period",
        }
    with localcontext(EXACT):
        return {"mix": asked, "percentage": (grown[max(grown)] - 1) * 100, "reason": None}


def _moves(
    conn: Connection, held: Sequence[Holding], period: Period
) -> dict[str, dict[date, float]]:
    """Daily returns of the largest holdings, over days that have a close of their own."""
    market = StoredMarket(conn)
    largest = sorted(live.weights(held).items(), key=lambda item: -item[1])[:_CORRELATED]
    names = {each.row.token_id: each.row.symbol for each in held}
    moves: dict[str, dict[date, float]] = {}
    for token_id, _ in largest:
        closes = market.closes(token_id, period.first - _DAY, period.last)
        moves[names[token_id]] = {
            day: float(close / previous) - 1
            for (earlier, previous), (day, close) in pairwise(closes)
            if day - earlier == _DAY
        }
    return moves


def _contribution(each: performance.Contribution) -> dict[str, Any]:
    return {
        "symbol": each.symbol,
        "name": each.name,
        "startValue": each.start_value,
        "endValue": each.end_value,
        "inflow": each.inflow,
        "outflow": each.outflow,
        "income": each.income,
        "gain": each.gain,
    }


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def _gain_cursor(text: str) -> tuple[datetime, UUID, int]:
    at, token_id, number = cursor.decode(text, 3)
    try:
        return datetime.fromisoformat(at), UUID(token_id), int(number)
    except (TypeError, ValueError, AttributeError):
        raise cursor.refused() from None


def _issue_cursor(text: str) -> tuple[datetime, UUID]:
    at, issue_id = cursor.decode(text, 2)
    try:
        return datetime.fromisoformat(at), UUID(issue_id)
    except (TypeError, ValueError, AttributeError):
        raise cursor.refused() from None
