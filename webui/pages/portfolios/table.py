"""The table of a portfolio's holdings: value, cost, profit and share of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from coinsphere.portfolio.performance.realised_gains import Realised
from coinsphere.portfolio.valuation.current_holdings import Holding

USUAL = "value"


@dataclass(frozen=True, slots=True)
class Line:
    """A holding; None is what nobody knows. `realised` stands with what the ledger knows alone."""

    held: Holding
    share: Decimal | None
    realised: Realised | None


Key = Callable[[Line], Decimal | str | None]
ORDERS: Mapping[str, Key] = {
    "token": lambda line: line.held.row.symbol,
    "amount": lambda line: line.held.row.amount,
    "cost": lambda line: line.held.cost_basis,
    "value": lambda line: line.held.current_value,
    "gain": lambda line: line.held.profit_loss,
    "realised": lambda line: line.realised.gain if line.realised else None,
    "share": lambda line: line.share,
}
"""What the table can be sorted by; names ascend, numbers descend unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Order:
    """By which column, and whether upwards."""

    by: str
    is_rising: bool

    @classmethod
    def asked(cls, by: str, way: str) -> "Order":
        """What a link asks for; anything unknown is the usual order."""
        known = by if by in ORDERS else USUAL
        return cls(known, way == "up" if way in ("up", "down") else known == "token")

    def way(self, column: str) -> str:
        """Where the link of a column leads: the other way round for the present one."""
        if column != self.by:
            return "up" if column == "token" else "down"
        return "down" if self.is_rising else "up"

    def state(self, column: str) -> str:
        """As `aria-sort` says it."""
        if column != self.by:
            return "none"
        return "ascending" if self.is_rising else "descending"


def lines(
    holdings: Sequence[Holding],
    total: Decimal | None,
    realised: Mapping[UUID, Realised],
    order: Order,
) -> list[Line]:
    """The lines in order; what is unknown stands last, whichever way.

    Args:
        holdings: what is held.
        total: what all are worth together.
        realised: realised gains by token.
        order: which.
    """
    all_lines = [Line(each, _share(each, total), _realised(each, realised)) for each in holdings]
    key = ORDERS[order.by]
    known = [line for line in all_lines if key(line) is not None]
    unknown = [line for line in all_lines if key(line) is None]
    return sorted(known, key=key, reverse=not order.is_rising) + unknown  # type: ignore[arg-type]  # none is None


def wanted(all_lines: Sequence[Line], words: str) -> list[Line]:
    """Those whose symbol or name has all of `words` in it."""
    parts = words.lower().split()
    return [
        line
        for line in all_lines
        if all(part in f"{line.held.row.symbol} {line.held.row.name}".lower() for part in parts)
    ]


def _share(each: Holding, total: Decimal | None) -> Decimal | None:
    return each.current_value / total if each.current_value is not None and total else None


def _realised(each: Holding, realised: Mapping[UUID, Realised]) -> Realised | None:
    return realised.get(each.row.token_id) if each.row.source == "ledger" else None
