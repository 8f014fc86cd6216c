"""The contribution of each asset to a portfolio's gain in a period."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.portfolio.model import EXACT, UNIT, ZERO
from coinsphere.portfolio.performance.period import Period

Worth = Callable[[UUID, Decimal, date], Decimal | None]
"""What units of a token were worth on a day, in the portfolio's currency: `valuer.Valuer.worth`."""
# Per asset: what it was worth at both ends, and what came and went in between, as far as it had a price.
_CONTRIBUTION = """
    with ends as (
        select p.token_id, 'start' as at, p.amount from app.positions p
        where p.user_id = %(user_id)s and p.portfolio_id = %(portfolio_id)s
            and p.from_day <= %(first)s::date - 1 and p.until_day > %(first)s::date - 1
        union all
        select p.token_id, 'end', p.amount from app.positions p
        where p.user_id = %(user_id)s and p.portfolio_id = %(portfolio_id)s
            and p.from_day <= %(last)s and p.until_day > %(last)s
    )
    select
        t.id as token_id, t.symbol, t.name,
        coalesce((select amount from ends e where e.token_id = t.id and e.at = 'start'), 0) as start_amount,
        coalesce((select amount from ends e where e.token_id = t.id and e.at = 'end'), 0) as end_amount
    from market.tokens t
    where t.id in (select token_id from ends)
        or t.id in (
            select token_id from app.position_flows f
            where f.user_id = %(user_id)s and f.portfolio_id = %(portfolio_id)s and f.day between %(first)s and %(last)s
        )
    order by t.symbol, t.id
"""
_FLOWS = """
    select token_id, day, money_in + swap_in as money_in, money_out + swap_out as money_out, amount_in, amount_out, income
    from app.position_flows
    where user_id = %(user_id)s and portfolio_id = %(portfolio_id)s and day between %(first)s and %(last)s
"""


class Ends(NamedTuple):
    """The holding of a token at the start and at the end of a period."""

    token_id: UUID
    symbol: str
    name: str
    start_amount: Decimal
    end_amount: Decimal


class FlowOfDay(NamedTuple):
    """An asset's external flows of a day; swaps count as money here."""

    token_id: UUID
    day: date
    money_in: Decimal
    money_out: Decimal
    amount_in: Decimal
    amount_out: Decimal
    income: Decimal


def ends(conn: Connection, period: Period) -> list[Ends]:
    """The holdings of each asset at both ends of the period."""
    cursor = conn.cursor(row_factory=class_row(Ends))
    return cursor.execute(_CONTRIBUTION, period.parameters()).fetchall()


def flows(conn: Connection, period: Period) -> list[FlowOfDay]:
    """The external flows of each asset."""
    cursor = conn.cursor(row_factory=class_row(FlowOfDay))
    return cursor.execute(_FLOWS, period.parameters()).fetchall()


@dataclass(frozen=True, slots=True)
class Contribution:
    """The gain that an asset added in a period; None where it had no price at one of the ends."""

    token_id: UUID
    symbol: str
    name: str
    start_value: Decimal | None
    end_value: Decimal | None
    inflow: Decimal | None
    outflow: Decimal | None
    income: Decimal
    gain: Decimal | None


def contribution(
    holding: Ends, crossed: Sequence[FlowOfDay], worth: Worth, period: Period
) -> Contribution:
    """The contribution of one asset: its end value plus outflows, less its start value and inflows."""
    with localcontext(EXACT):
        before = period.first - timedelta(days=1)
        start = _worth_of(holding.token_id, holding.start_amount, before, worth)
        end = _worth_of(holding.token_id, holding.end_amount, period.last, worth)
        came = [_crossed(flow.money_in, flow.amount_in, flow, worth) for flow in crossed]
        went = [_crossed(flow.money_out, flow.amount_out, flow, worth) for flow in crossed]
        inflow, outflow = _sum(came), _sum(went)
        gain = None
        if start is not None and end is not None and inflow is not None and outflow is not None:
            gain = (end + outflow - start - inflow).quantize(UNIT)
        income = sum((flow.income for flow in crossed), ZERO)
    return Contribution(
        holding.token_id, holding.symbol, holding.name, start, end, inflow, outflow, income, gain
    )


def _worth_of(token_id: UUID, amount: Decimal, day: date, worth: Worth) -> Decimal | None:
    """The worth of an amount on a day; nothing is worth zero, whether or not it has a price."""
    return worth(token_id, amount, day) if amount else ZERO


def _crossed(money: Decimal, amount: Decimal, flow: FlowOfDay, worth: Worth) -> Decimal | None:
    if not amount:
        return money
    valued = worth(flow.token_id, amount, flow.day)
    return None if valued is None else money + valued


def _sum(parts: Sequence[Decimal | None]) -> Decimal | None:
    if any(part is None for part in parts):
        return None
    return sum((part for part in parts if part is not None), ZERO)
