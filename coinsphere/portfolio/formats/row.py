"""What a row of any file of transactions says, with symbols instead of tokens, and what is wrong with one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from coinsphere.portfolio.model import Kind

Cells = Mapping[str, str]
"""A row by the names of its columns; columns in the order of the file."""

_FORMATS = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M UTC",
    "%Y-%m-%d %H:%M:%S %Z", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y", "%Y/%m/%d %H:%M:%S",
)  # fmt: skip


class Nothing(Exception):
    """A row, or a group of rows, that changes nothing of what is held; says why."""


class WrongCell(ValueError):
    """A cell that cannot be read; names its column."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column
        self.reason = reason


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
    """What is wrong with a line of a file; `column` is None where it is the line as a whole."""

    line: int
    column: str | None
    message: str


Reader = Callable[[Cells], list[Parsed]]
"""Makes transactions of a row; raises `WrongCell`. An empty list: the row says nothing about holdings."""


def text(cells: Cells, column: str) -> str | None:
    """A cell's text; None where it is empty or missing."""
    found = (cells.get(column) or "").strip()
    return found or None


def required(cells: Cells, column: str) -> str:
    """A cell's text. Raises `WrongCell` where it is empty."""
    found = text(cells, column)
    if found is None:
        raise WrongCell(column, "is empty")
    return found


def number(cells: Cells, column: str) -> Decimal | None:
    """A cell's number, with its sign; None where it is empty. Currency signs and thousands' commas are understood."""
    found = text(cells, column)
    if found is None:
        return None
    plain = found.lstrip("'").replace("$", "").replace("€", "").replace("£", "").replace(" ", "")
    if "," in plain:
        plain = _without_commas(plain, column)
    if not plain.isascii() or "_" in plain:
        raise WrongCell(column, f"{found[:40]!r} is not a number")
    try:
        value = Decimal(plain)
    except InvalidOperation:
        raise WrongCell(column, f"{found[:40]!r} is not a number") from None
    if not value.is_finite() or value.adjusted() >= _MOST_DIGITS:
        raise WrongCell(column, f"{found[:40]!r} is out of range")
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -_FRACTION_DIGITS:
        raise WrongCell(column, "has more than 18 digits after the point")
    return value


_MOST_DIGITS = 20
_FRACTION_DIGITS = 18


def _without_commas(plain: str, column: str) -> str:
    """Commas only between groups of three digits: `1,5` may be one and a half, or fifteen."""
    whole, _, _ = plain.partition(".")
    groups = whole.lstrip("+-").split(",")
    if any(len(group) != 3 for group in groups[1:]) or not 1 <= len(groups[0]) <= 3:  # noqa: PLR2004 - thousands
        raise WrongCell(column, f"{plain[:40]!r}: a comma stands between thousands only")
    return plain.replace(",", "")


def amount(cells: Cells, column: str) -> Decimal:
    """A cell's number without its sign. Raises `WrongCell` where it is empty or zero."""
    found = number(cells, column)
    if not found:
        raise WrongCell(column, "is empty" if found is None else "is zero")
    return abs(found)


def moment(cells: Cells, column: str) -> datetime:
    """A cell's instant; without a zone it is UTC. Raises `WrongCell` where it is none."""
    found = required(cells, column)
    try:
        parsed = datetime.fromisoformat(found)
    except ValueError:
        parsed = _by_format(found, column)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _by_format(found: str, column: str) -> datetime:
    for form in _FORMATS:
        try:
            return datetime.strptime(found, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise WrongCell(column, f"{found[:40]!r} is no date that we know")
