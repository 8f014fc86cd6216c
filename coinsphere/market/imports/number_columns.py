"""Decides how a candle file writes numbers, once for all price columns and once for the volume.

As in files of transactions, all cells together decide (`0,5` and `1.234,56` tell, `1.234` does not), never one alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from coinsphere.errors import ImportRefused
from coinsphere.market.imports.header import PRICES
from coinsphere.parsing import decimals, number_formats
from coinsphere.parsing.number_formats import Contradiction, Evidence, Mark

Reader = Callable[[str], Decimal]
"""The number of a cell; raises ValueError where it is none as its column writes them."""

Row = tuple[int, Sequence[str]]
"""The line of a row, and its cells."""


class Readers(NamedTuple):
    """The readers of prices and of the volume."""

    price: Reader
    volume: Reader


def decide(
    name: str,
    places: Mapping[str, int],
    peeked: Sequence[Row],
    every: Callable[[], Iterable[Row]],
    delimiter: str,
) -> Readers:
    """The readers of the cells of prices and of the volume.

    Args:
        name: of the file.
        places: of its columns.
        peeked: the first rows.
        every: gives all rows; asked only where the first ones have no proof.
        delimiter: what parts the cells.

    Raises:
        ImportRefused: nothing in the file tells, or it writes numbers in two ways; says which cells.
    """
    of_prices = _evidence(peeked, every, [places[price] for price in PRICES])
    of_volume = _evidence(peeked, every, [places["volume"]] if "volume" in places else [])
    return Readers(
        _reader(name, of_prices, of_volume, delimiter),
        _reader(name, of_volume, of_prices, delimiter),
    )


def _evidence(
    peeked: Sequence[Row], every: Callable[[], Iterable[Row]], places: Sequence[int]
) -> Evidence:
    seen = number_formats.evidence(_cells(peeked, places))
    is_told = len(seen.proofs) == 1 or not places
    return seen if is_told else number_formats.evidence(_cells(every(), places))


def _cells(rows: Iterable[Row], places: Sequence[int]) -> Iterator[tuple[int, str]]:
    return ((line, cells[place]) for line, cells in rows for place in places)


def _reader(name: str, seen: Evidence, other: Evidence, delimiter: str) -> Reader:
    try:
        mark, _ = number_formats.decided(seen, [other], delimiter)
    except Contradiction as error:
        if seen.ambiguous:
            raise ImportRefused(f"{name}: writes numbers in two ways: {error}") from None
        # Each cell tells by itself which it is: rows with a comma are refused, the others kept.
        return _with_point
    if mark is None:
        line, cell = next(iter(seen.ambiguous.values()))
        raise ImportRefused(
            f"{name}: line {line}: whether {cell!r} has its mark before a fraction or between thousands is not proved by "
            "any cell; write prices with two digits after the point, or cells parted by commas"
        )
    return _with_point if mark is Mark.POINT else _with_comma


def _with_point(text: str) -> Decimal:
    try:
        return decimals.read(text)
    except ValueError:
        return _marked(text, Mark.POINT)


def _with_comma(text: str) -> Decimal:
    return _marked(text, Mark.COMMA)


def _marked(text: str, mark: Mark) -> Decimal:
    written = number_formats.written(text)
    value = None if written is None or written.unit else number_formats.value(written, mark)
    if value is None:
        raise ValueError(f"{text[:40]!r} is not a number")
    return value
