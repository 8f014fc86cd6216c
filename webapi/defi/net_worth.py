"""Net worth in answers: the value of portfolios in protocols beside their holdings."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere.defi import net_worth
from coinsphere.defi.model import PositionKind
from coinsphere.defi.net_worth import InProtocols
from coinsphere.defi.repository import StoredPosition
from coinsphere.defi.valuation import known_sum
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation.current_holdings import Totals
from webapi.http.schema import Amount, Output
from webapi.services import services


class InProtocolsOut(Output):
    """What a portfolio's wallets have in protocols, in its currency; null where nothing of the kind has a price.

    `totalValue` has `borrowed` subtracted and leaves out what `unpriced` names. `observedAt` is the age of the oldest.
    """

    total_value: Amount | None
    supplied: Amount | None
    borrowed: Amount | None
    staked: Amount | None
    liquidity: Amount | None
    rewards: Amount | None
    positions_count: int
    unpriced: list[str]
    observed_at: datetime | None


EXAMPLE: dict[str, Any] = {
    "totalValue": 12000, "supplied": 0, "borrowed": 0, "staked": 12000, "liquidity": 0, "rewards": 0,
    "positionsCount": 1, "unpriced": [], "observedAt": "2026-11-24T08:00:00Z",
}  # fmt: skip


def beside(
    conn: Connection,
    positions: Sequence[StoredPosition],
    portfolios: Sequence[Portfolio],
    sums: Sequence[Totals],
) -> dict[UUID, dict[str, Any]]:
    """`defi` and `netWorth` of each portfolio, to stand beside its other fields; `positions` are all of its user."""
    currencies = {each.id: each.currency for each in portfolios}
    today = services().clock().date()
    protocols = net_worth.of_positions(conn, positions, currencies, today)
    return {
        each.id: {
            "defi": _shown(protocols[each.id]),
            "netWorth": net_worth.net_worth(
                total.total_value, total.holdings_count, protocols[each.id]
            ),
        }
        for each, total in zip(portfolios, sums, strict=True)
    }


def total(worths: Mapping[UUID, dict[str, Any]]) -> Decimal | None:
    """The sum over portfolios that are all in one currency, of what is known."""
    return known_sum([each["netWorth"] for each in worths.values()])


def _shown(in_protocols: InProtocols) -> dict[str, Any]:
    return {
        "totalValue": in_protocols.total_value,
        "supplied": in_protocols.by_kind[PositionKind.SUPPLIED],
        "borrowed": in_protocols.by_kind[PositionKind.BORROWED],
        "staked": in_protocols.by_kind[PositionKind.STAKED],
        "liquidity": in_protocols.by_kind[PositionKind.LIQUIDITY],
        "rewards": in_protocols.by_kind[PositionKind.REWARD],
        "positionsCount": in_protocols.positions_count,
        "unpriced": in_protocols.unpriced,
        "observedAt": in_protocols.observed_at,
    }
