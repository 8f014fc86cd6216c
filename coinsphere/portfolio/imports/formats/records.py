"""Reads a file's rows as entries of an exchange's books, and the records of these as transactions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal

from coinsphere.portfolio.imports.formats.row import Cells, Nothing, Parsed, WrongCell, number
from coinsphere.portfolio.imports.statements import record
from coinsphere.portfolio.imports.statements.record import Entry, NotUnderstood, Record
from coinsphere.portfolio.imports.statements.trades import deal

MONEY_ONLY = "moves a currency alone, which we do not keep"


def parsed(made: Sequence[Record], exchange: str) -> list[Parsed]:
    """Records as transactions of a file. Raises `Nothing` where only money moved."""
    deals = [(each, told) for each in made if (told := deal(each)) is not None]
    if not deals:
        raise Nothing(MONEY_ONLY)
    return [
        Parsed(
            kind=told.kind,
            symbol=told.asset,
            amount=told.amount,
            occurred_at=each.at,
            price=told.price,
            currency=told.currency or "USD",
            fee=told.fee,
            fee_symbol=told.fee_asset,
            counter_symbol=told.counter_asset,
            counter_amount=told.counter_amount,
            exchange=exchange,
            external_id=each.native_id if each.native_id.partition(":")[0] else None,
        )
        for each, told in deals
    ]


@contextmanager
def columns(names: Mapping[str, str]) -> Iterator[None]:
    """What is wrong with a row, or its meaning nothing, in the words of its file; `names` gives the column of each part."""
    try:
        yield
    except record.Nothing as nothing:
        raise Nothing(str(nothing)) from None
    except NotUnderstood as error:
        raise WrongCell(names[error.part], error.reason) from None


def entries(read: Callable[[Cells], Entry], rows: Sequence[Cells]) -> list[Entry]:
    """The rows of one event. Raises `WrongCell` with the place of the first that cannot be read."""
    made = []
    for place, row in enumerate(rows):
        try:
            made.append(read(row))
        except WrongCell as error:
            raise WrongCell(error.column, error.reason, place) from None
    return made


def readable(read: Callable[[Cells], Entry], row: Cells) -> Entry | None:
    """The row; None where it cannot be read."""
    try:
        return read(row)
    except WrongCell:
        return None


def given(row: Cells, column: str) -> Decimal:
    """A cell's number, with its sign. Raises `WrongCell` where it is empty."""
    found = number(row, column)
    if found is None:
        raise WrongCell(column, "is empty")
    return found
