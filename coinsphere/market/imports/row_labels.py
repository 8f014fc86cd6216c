"""Checks the labels in the rows of a candle file: the pair, the currency and the time zone.

The first row decides for the file; a row with other labels is refused.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from coinsphere.errors import ImportRefused
from coinsphere.market.imports import file_name

_DOLLARS = frozenset({*file_name.QUOTES, "$", "US$", "US DOLLAR", "US-DOLLAR"})
_UTC = frozenset(("", "UTC", "GMT", "Z", "ETC/UTC", "UTC+0", "UTC+00:00", "+00:00", "+0000", "+0", "0"))  # fmt: skip
SAME = {"XBT": "BTC", "XDG": "DOGE"}
"""Kraken's and BitMEX's names, by those of everybody else (ISO 4217 has X before what belongs to no state)."""
_KRAKEN = re.compile(r"X([A-Z]{3,4})Z[A-Z]{3}")

Check = Callable[[Path, str, Collection[str]], None]


def read(
    path: Path, places: Mapping[str, int], row: Sequence[str], symbols: Collection[str]
) -> dict[str, str]:
    """The labels of the first row, of the columns that are the same in every row.

    Args:
        path: of the file.
        places: of its columns.
        row: its first.
        symbols: what its token may be called.

    Raises:
        ImportRefused: it speaks of another token, of a contract, of another currency or of another clock than UTC.
    """
    labels = {name: row[places[name]] for name in _CHECKS if name in places}
    if not _is_label(labels.get("currency", "")):
        # A `quote` is a volume in other files.
        labels.pop("currency", None)
    for name, cell in labels.items():
        _CHECKS[name](path, cell.strip().upper(), symbols)
    return labels


def _is_label(cell: str) -> bool:
    return any(letter.isalpha() or unicodedata.category(letter) == "Sc" for letter in cell)


def _require_pair(path: Path, pair: str, symbols: Collection[str]) -> None:
    exchange, _, name = pair.rpartition(":")
    if "/" in exchange:
        raise ImportRefused(
            f"{path.name}: its rows are of {pair[:20]!r}, which names a future, swap or option; only spot prices are kept"
        )
    file_name.require_dollars(path, name)
    names = _names(name)
    if names and not names & {SAME.get(each, each) for each in symbols}:
        raise ImportRefused(
            f"{path.name}: its rows are of {pair[:20]!r}, and the file's name says {next(iter(symbols))}"
        )


def _names(pair: str) -> frozenset[str]:
    """What the token of a pair may be called; nothing where a cell is empty or names an exchange."""
    legacy = _KRAKEN.fullmatch(pair)
    path = Path(legacy[1] if legacy else pair.replace("/", "-"))
    names = file_name.symbols(path)
    if not names[0] or names[0] in file_name.VENUES:
        return frozenset()
    # Bitfinex writes `tBTCUSD`.
    spellings = (*names, *(name.removeprefix("T") for name in names))
    return frozenset(SAME.get(each, each) for each in spellings)


def _require_dollars(path: Path, currency: str, _: Collection[str]) -> None:
    if currency not in _DOLLARS:
        raise ImportRefused(
            f"{path.name}: its rows are in {currency[:20]!r}, and only US dollars are kept; convert them by the rate of "
            "each day first"
        )


def _require_utc(path: Path, zone: str, _: Collection[str]) -> None:
    if zone not in _UTC:
        raise ImportRefused(
            f"{path.name}: its times are those of {zone[:20]!r}, and only UTC is read; write them as 2024-06-30T12:00:00Z"
        )


_CHECKS: Mapping[str, Check] = {
    "pair": _require_pair,
    "currency": _require_dollars,
    "zone": _require_utc,
}
