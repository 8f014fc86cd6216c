"""Reads a file's rows as entries of an exchange's books, and the records of these as transactions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal

from coinsphere.portfolio.imports.formats.row import Cells, Nothing, Parsed, WrongCell, number
from coinsphere.portfolio.imports.statements import record
from coinsphere.portfolio.imports.statements.record import Entry, NotUnderstood, Record
from coinsphere.portfolio.imports.statements.trades import deal

MONEY_ONLY = "moves a currency alone, which we do not keep"


def parsed(records: Sequence[Record], exchange: str) -> list[Parsed]:
    """Records as transactions of a file. Raises `Nothing` where only money moved."""
    deals = [(each, trade) for each in records if (trade := deal(each)) is not None]
    if not deals:
        raise Nothing(MONEY_ONLY)
    return [
        Parsed(
            kind=trade.kind,
            symbol=trade.asset,
            amount=trade.amount,
            occurred_at=each.at,
            price=trade.price,
            currency=trade.currency or "USD",
            fee=trade.fee,
            fee_symbol=trade.fee_asset,
            counter_symbol=trade.counter_asset,
            counter_amount=trade.counter_amount,
            exchange=exchange,
            external_id=each.native_id if each.native_id.partition(":")[0] else None,
        )
        for each, trade in deals
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
    read_entries = []
    for place, row in enumerate(rows):
        try:
            read_entries.append(read(row))
        except WrongCell as error:
            raise WrongCell(error.column, error.reason, place) from None
    return read_entries


def readable(read: Callable[[Cells], Entry], row: Cells) -> Entry | None:
    """The row; None where it cannot be read."""
    try:
        return read(row)
    except WrongCell:
        return None


def given(row: Cells, column: str) -> Decimal:
    """A cell's number, with its sign. Raises `WrongCell` where it is empty."""
    value = number(row, column)
    if value is None:
        raise WrongCell(column, "is empty")
    return value
