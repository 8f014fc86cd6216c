"""Running balances of a statement: each row's follows from the one before, or rows are missing or were misread."""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import NamedTuple

from coinsphere.decimals import plain
from coinsphere.portfolio.imports.formats.row import Cells, Problem, WrongCell, number, text
from coinsphere.portfolio.model import EXACT, ZERO


class Balance(NamedTuple):
    """Columns of a running balance: it changes by `amount` less `fee`, for each value of `keys` apart."""

    keys: tuple[str, ...]
    amount: str
    fee: str
    balance: str


def first_difference(rows: Sequence[tuple[int, Cells]], by: Balance) -> Problem | None:
    """The first row, the oldest first, whose balance does not follow from the one before; None where all do."""
    held: dict[tuple[str | None, ...], Decimal] = {}
    with localcontext(EXACT):
        for line, cells in rows:
            try:
                change = (number(cells, by.amount) or ZERO) - (number(cells, by.fee) or ZERO)
                told = number(cells, by.balance)
            except WrongCell:
                continue
            if told is None:
                continue
            key = tuple(text(cells, column) for column in by.keys)
            wanted = held.get(key, told - change) + change
            if wanted != told:
                return Problem(
                    line, by.balance,
                    f"{plain(told)} does not follow from the row before, after which {plain(wanted)} would be left:"
                    " rows are missing, or mean something else",
                )  # fmt: skip
            held[key] = told
    return None
