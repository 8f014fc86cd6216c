"""Checks the money of a Coinbase row: price by quantity, subtotal, fees and total must add up."""

from decimal import Decimal

from coinsphere.parsing.decimals import plain
from coinsphere.portfolio.imports.formats.row import Cells, number, text
from coinsphere.portfolio.imports.statements import coinbase
from coinsphere.portfolio.imports.statements.coinbase import Meaning
from coinsphere.portfolio.model import EXACT, ZERO

_SPREAD = Decimal("0.01")
"""How far the price shown may lie from what was paid: it is rounded, and in some years that of the market."""


def contradiction(cells: Cells) -> tuple[str, str] | None:
    """The column that does not follow from the others, and why; None where all add up.

    Raises:
        WrongCell: a number cannot be read.
    """
    quantity, price, worth = (
        abs(number(cells, column) or ZERO)
        for column in ("Quantity Transacted", "Price at Transaction", "Subtotal")
    )
    wanted = EXACT.multiply(quantity, price)
    if worth and wanted and not _is_near(worth, wanted, cells, quantity):
        reason = f"{plain(worth)} is not what {plain(quantity)} at {plain(price)} are worth, {plain(wanted)}"
        return "Subtotal", reason
    return _of_total(cells, worth)


def _is_near(worth: Decimal, wanted: Decimal, cells: Cells, quantity: Decimal) -> bool:
    rounding = EXACT.multiply(quantity, _step(cells, "Price at Transaction"))
    return abs(worth - wanted) <= rounding + _step(cells, "Subtotal") + worth * _SPREAD


def _of_total(cells: Cells, worth: Decimal) -> tuple[str, str] | None:
    total, fee = abs(number(cells, "Total") or ZERO), number(cells, "Fees") or ZERO
    if not worth or not total:
        return None
    allowed = sum((_step(cells, column) for column in ("Subtotal", "Total", "Fees")), ZERO)
    wanted = [abs(worth + sign * abs(fee)) for sign in _signs(cells, fee)]
    if any(abs(total - each) <= allowed for each in wanted):
        return None
    reason = f"{plain(total)} is not the subtotal and the fees, {plain(wanted[0])}"
    return "Total", reason


def _signs(cells: Cells, fee: Decimal) -> tuple[int, ...]:
    """Whether fees make a total greater or smaller; both where a fee came back, or the kind does not say it."""
    what = coinbase.meaning(text(cells, "Transaction Type") or "")
    if fee >= 0 and what is Meaning.BOUGHT:
        return (1,)
    return (-1,) if fee >= 0 and what is Meaning.SOLD else (-1, 1)


def _step(cells: Cells, column: str) -> Decimal:
    """The unit of the last digit that a number is written with."""
    value = number(cells, column)
    exponent = value.as_tuple().exponent if value is not None else None
    return Decimal(1).scaleb(exponent) if isinstance(exponent, int) and exponent < 0 else ZERO
