"""The value of a portfolio's wallets in protocols, in its currency, and the net worth that includes it.

Costs and gains are of the ledger, which knows nothing of protocols: this stands beside them and is never mixed in. A
token that stands for a position is no balance of a wallet, so it is no holding either: nothing is counted twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, localcontext
from uuid import UUID

from psycopg import Connection

from coinsphere.defi import valuation
from coinsphere.defi.model import PositionKind
from coinsphere.defi.repository import StoredPosition
from coinsphere.defi.valuation import known_sum
from coinsphere.portfolio.model import EXACT, UNIT
from coinsphere.portfolio.valuation.stored_market import StoredMarket


@dataclass(frozen=True, slots=True)
class InProtocols:
    """A portfolio's value in protocols, in its currency; None where nothing of the kind has a price or a rate.

    Attributes:
        total_value: all of it, debts subtracted.
        by_kind: of each kind, what is borrowed above zero.
        positions_count: open positions.
        unpriced: tokens that have no price, which no sum contains.
        observed_at: when the oldest of it was read.
    """

    total_value: Decimal | None
    by_kind: Mapping[PositionKind, Decimal | None]
    positions_count: int
    unpriced: list[str]
    observed_at: datetime | None


def of_positions(
    conn: Connection,
    positions: Sequence[StoredPosition],
    currencies: Mapping[UUID, str],
    today: date,
) -> dict[UUID, InProtocols]:
    """The value in protocols of each of one user's portfolios, by the wallets that belong to it."""
    by_portfolio: dict[UUID, list[StoredPosition]] = {
        portfolio_id: [] for portfolio_id in currencies
    }
    for each in positions:
        if each.portfolio_id in by_portfolio:
            by_portfolio[each.portfolio_id].append(each)
    market = StoredMarket(conn)
    used = {currencies[portfolio_id] for portfolio_id, each in by_portfolio.items() if each}
    rates = {currency: market.now_per_dollar(currency, today) for currency in used}
    return {
        portfolio_id: _summed(each, rates.get(currencies[portfolio_id])) if each else _NOTHING
        for portfolio_id, each in by_portfolio.items()
    }


def net_worth(
    held_value: Decimal | None, holdings_count: int, protocols: InProtocols
) -> Decimal | None:
    """The sum of holdings and positions, of those that are known; None where none is."""
    parts = [held_value] if holdings_count else []
    parts += [protocols.total_value] if protocols.positions_count else []
    return known_sum(parts)


def _summed(positions: list[StoredPosition], rate: Decimal | None) -> InProtocols:
    sums = valuation.totals(positions)
    return InProtocols(
        total_value=_converted(sums.total_value, rate),
        by_kind={kind: _converted(worth, rate) for kind, worth in sums.by_kind.items()},
        positions_count=len(positions),
        unpriced=sums.unpriced,
        observed_at=min((each.observed_at for each in positions), default=None),
    )


def _converted(dollars: Decimal | None, rate: Decimal | None) -> Decimal | None:
    """Nothing is nothing in every currency, also in one of which no rate is known."""
    if dollars is None or not dollars:
        return dollars
    with localcontext(EXACT):
        return None if rate is None else (dollars * rate).quantize(UNIT)


_NOTHING = _summed([], None)
"""Of a portfolio without positions, as most are."""
