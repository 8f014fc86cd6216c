"""A row of a transaction file, with symbols instead of tokens, and the problems of one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal

from coinsphere.parsing import number_formats
from coinsphere.parsing.number_formats import NOTHING, Mark
from coinsphere.portfolio.imports.formats import timestamps
from coinsphere.portfolio.imports.formats.named_dates import ENGLISH
from coinsphere.portfolio.imports.formats.timestamps import NoMoment, Order
from coinsphere.portfolio.model import Kind

Cells = Mapping[str, str]
"""A row by our names of its columns."""


@dataclass(slots=True)
class Reading:
    """How a table's cells are read, by column: decided from all of them.

    What is not named is read as numbers with a decimal point, and times in UTC with the year first. `has_plain_numbers`
    where no mark parts thousands, as in JSON. `signed_kinds` are the kinds, as the file writes them, that have a minus.
    """

    marks: dict[str, Mark] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    zones: dict[str, tzinfo] = field(default_factory=dict)
    languages: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    has_signs: bool = False
    has_negative_fees: bool = False
    signed_kinds: set[str] = field(default_factory=set)
    has_plain_numbers: bool = False


class Row(dict[str, str]):
    """A row of a table, and how its cells are read."""

    def __init__(self, cells: Mapping[str, str], reading: Reading) -> None:
        super().__init__(cells)
        self.reading = reading


_PLAIN = Reading()


def reading(cells: Cells) -> Reading:
    """How the cells are read; a plain mapping as our own files are."""
    return cells.reading if isinstance(cells, Row) else _PLAIN


class Nothing(Exception):
    """A row, or a group of rows, that changes no holdings; says why."""


class WrongCell(ValueError):
    """A cell that cannot be read; names its column, and by `place` the row of those that belong together."""

    def __init__(self, column: str, reason: str, place: int = 0) -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column
        self.reason = reason
        self.place = place


@dataclass(frozen=True, slots=True)
class Parsed:
    """A transaction as a file tells it; `external_id` where the file names it."""

    kind: Kind
    symbol: str
    amount: Decimal
    occurred_at: datetime
    price: Decimal | None = None
    currency: str = "USD"
    fee: Decimal | None = None
    fee_symbol: str | None = None
    counter_symbol: str | None = None
    counter_amount: Decimal | None = None
    exchange: str | None = None
    notes: str | None = None
    tx_hash: str | None = None
    external_id: str | None = None
    source: str = "import"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of a line of a file; `column` is None where it is the line as a whole."""

    line: int
    column: str | None
    message: str


Reader = Callable[[Cells], list[Parsed]]
"""Makes transactions of a row; raises `WrongCell`, or `Nothing` where it says nothing about holdings."""


def text(cells: Cells, column: str) -> str | None:
    """A cell's text; None where it is empty or missing."""
    stripped = (cells.get(column) or "").strip()
    return stripped or None


def required(cells: Cells, column: str) -> str:
    """A cell's text. Raises `WrongCell` where it is empty."""
    value = text(cells, column)
    if value is None:
        raise WrongCell(column, "is empty")
    return value


def number(cells: Cells, column: str) -> Decimal | None:
    """A cell's number, with its sign, by its column's format; None where it is empty. Raises `WrongCell`."""
    cell = text(cells, column)
    if cell is None or cell.lower() in NOTHING:
        return None
    written = None if _is_marked(cells, cell) else number_formats.written(cell)
    mark = reading(cells).marks.get(column, Mark.POINT)
    value = None if written is None else number_formats.value(written, mark)
    if value is None:
        is_mark = written is not None and {".", ","} & set(written.digits)
        how = f" with a decimal {mark}" if is_mark else ""
        raise WrongCell(column, f"{cell[:40]!r} is not a number{how}")
    if value.adjusted() >= _MOST_DIGITS:
        raise WrongCell(column, f"{cell[:40]!r} is out of range")
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -_FRACTION_DIGITS:
        raise WrongCell(column, "has more than 18 digits after the point")
    return value


def _is_marked(cells: Cells, cell: str) -> bool:
    """Whether a number has a comma where all numbers are plain: no other row would tell what it stands for."""
    return reading(cells).has_plain_numbers and "," in cell


_MOST_DIGITS = 20
_FRACTION_DIGITS = 18


def unit(cells: Cells, column: str) -> str | None:
    """The currency or token beside a cell's number, else that of the column's header; None where neither tells it."""
    cell = text(cells, column)
    written = None if cell is None else number_formats.written(cell)
    beside = None if written is None else written.unit
    return beside or reading(cells).units.get(column)


_SEVERAL = {
    "$": frozenset({"USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "USDT", "USDC"}),
    "\u00a5": frozenset({"JPY", "CNY"}),
    "KR": frozenset({"SEK", "NOK", "DKK", "ISK"}),
    "FT": frozenset({"HUF"}),
    "RM": frozenset({"MYR"}),
    "RP": frozenset({"IDR"}),
    "FR": frozenset({"CHF"}),
    "\u20a8": frozenset({"INR", "PKR", "LKR", "NPR", "MUR", "SCR"}),
}


def agreed(cells: Cells, column: str, symbol: str | None) -> str | None:
    """The unit of a column's number: `symbol`, or the unit beside it. Raises `WrongCell` where both differ."""
    beside = unit(cells, column)
    if beside is None or beside == symbol or (symbol or "") in _SEVERAL.get(beside, ()):
        return symbol
    if symbol is not None:
        raise WrongCell(column, f"is in {beside}, not in {symbol}")
    if beside == "$":
        return "USD"
    if beside in _SEVERAL or not beside.isascii():
        raise WrongCell(column, f"{beside} does not tell its currency")
    return beside


def amount(cells: Cells, column: str) -> Decimal:
    """A cell's number without its sign. Raises `WrongCell` where it is empty or zero."""
    value = number(cells, column)
    if not value:
        raise WrongCell(column, "is empty" if value is None else "is zero")
    return abs(value)


def moment(cells: Cells, column: str) -> datetime:
    """A cell's instant, by its column's order and zone. Raises `WrongCell` where it is none."""
    cell, how = required(cells, column), reading(cells)
    try:
        return timestamps.moment(
            cell,
            how.orders.get(column, Order.YMD),
            how.zones.get(column, UTC),
            how.languages.get(column, ENGLISH),
        )
    except NoMoment as error:
        raise WrongCell(column, str(error)) from None
