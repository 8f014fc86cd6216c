"""Checks a statement's running balances: one that does not follow from the row before shows a missing or misread row."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import NamedTuple

from coinsphere.parsing.decimals import plain
from coinsphere.portfolio.imports.formats.row import (
    Cells,
    Nothing,
    Parsed,
    Problem,
    WrongCell,
    number,
    text,
)
from coinsphere.portfolio.imports.formats.row_readers import OUTGOING
from coinsphere.portfolio.model import EXACT, ZERO

Place = tuple[str | None, ...]
"""What is held where: a token, and the account or wallet of it where the file tells one."""


class Balance(NamedTuple):
    """A column of running balances.

    `moved` gives by how much a row changes what is held; of its first place the balance tells. Raises `WrongCell`.
    """

    column: str
    moved: Callable[[Cells], Mapping[Place, Decimal]]


def first_difference(rows: Sequence[tuple[int, Cells]], by: Balance) -> Problem | None:
    """The first row, the oldest first, whose balance does not follow from the one before; None where all do."""
    balances: dict[Place, Decimal] = {}
    with localcontext(EXACT):
        for line, cells in rows:
            try:
                balance, moves = number(cells, by.column), by.moved(cells)
            except (WrongCell, Nothing):
                continue
            for place, change in moves.items():
                if place in balances:
                    balances[place] += change
            if balance is None or not moves:
                continue
            wanted = balances.setdefault(next(iter(moves)), balance)
            if wanted != balance:
                return Problem(
                    line, by.column,
                    f"{plain(balance)} does not follow from the row before, after which {plain(wanted)} would be left:"
                    " rows are missing, or mean something else",
                )  # fmt: skip
    return None


def kraken(cells: Cells) -> Mapping[Place, Decimal]:
    """The balance of a row of Kraken's ledger; a row without one has not happened yet."""
    if number(cells, "balance") is None:
        return {}
    change = (number(cells, "amount") or ZERO) - (number(cells, "fee") or ZERO)
    return {(text(cells, "asset"), text(cells, "wallet")): change}


def booked(parsed: Sequence[Parsed]) -> Mapping[Place, Decimal]:
    """The changes of a row by token as it will be booked: its own token, the other side, and a fee in either."""
    moves: dict[Place, Decimal] = {}
    for each in parsed:
        own = -each.amount if each.kind in OUTGOING else each.amount
        sides = (
            (each.symbol, own),
            (each.counter_symbol, each.counter_amount or ZERO),
            (each.fee_symbol, -(each.fee or ZERO)),
        )
        for symbol, change in sides:
            # Of what was paid in a currency only its own rows would tell all.
            if symbol is None:
                continue
            place = (symbol, each.exchange)
            moves[place] = moves.get(place, ZERO) + change
    return moves
