"""Finds the columns of a candle file by its header, and reports those that are not read, with reasons.

A volume is kept in units of the token. Who calls a column `Volume` may mean dollars: Yahoo Finance (beside `Adj Close`)
and CoinMarketCap (beside `marketCap`) do, and their volume is not read.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coinsphere.errors import ImportRefused
from coinsphere.market.imports import file_name

PRICES = ("open", "high", "low", "close")
_TIMES = ("date", "timestamp", "time", "datetime", "open time", "opentime", "timeopen")
_SECOND_TIMES = ("unix", "unix time", "unix timestamp", "epoch")
"""Read where no better one stands beside them."""
_OPENING_TIMES = ("open time", "opentime", "timeopen")
"""Where one of them stands, the others are of the close, the high or the low (CoinMarketCap)."""
_BINANCE_COLUMNS = 12
_EPOCH = re.compile(r"[0-9]+\.?[0-9]*")
_CURRENCIES = ("currency", "quote", "quote currency", "quote asset", "quotecurrency", "vs currency", "price currency",
               "currency code", "währung", "waehrung", "devise", "valuta", "moneda")  # fmt: skip
_ZONES = ("timezone", "time zone", "tz")
_PAIRS = ("symbol", "pair", "market", "ticker", "product", "product id", "instrument")
_BASE_VOLUMES = (
    "volume",
    "vol",
    "v",
    "base volume",
    "volume base",
    "basevolume",
    "volumebase",
    "base vol",
    "base asset volume",
    "volume from",
    "volumefrom",
    "volume coin",
    "volume crypto",
    "coin volume",
    "volume token",
)
_VOLUME_OF = re.compile(r"(?:(?:volume|vol) ([a-z0-9]{1,10})|([a-z0-9]{1,10}) (?:volume|vol))")
_DOLLAR_WORDS = ("adj close", "adjclose", "marketcap", "market cap")


@dataclass(frozen=True, slots=True)
class Columns:
    """The positions of the columns that are read; `notes` name the others.

    They are time and prices, perhaps volume, pair, currency, zone, and a second time.
    """

    places: Mapping[str, int]
    notes: tuple[str, ...] = ()


def binance() -> Columns:
    """The columns of a kline dump without a header."""
    return Columns({"time": 0, **{name: at for at, name in enumerate((*PRICES, "volume"), 1)}})


def is_binance(cells: Sequence[str]) -> bool:
    """Whether a first line is a row of a kline dump that has no header."""
    return len(cells) == _BINANCE_COLUMNS and _EPOCH.fullmatch(cells[0].strip()) is not None


def understood(name: str, header: Sequence[str], symbols: Sequence[str]) -> Columns:
    """The columns that a header names.

    Args:
        name: of the file.
        header: its cells.
        symbols: what the file's token may be called.

    Raises:
        ImportRefused: the time or a price is missing or stands twice, or a price or a volume is in a currency other
            than the dollar.
    """
    _require_dollar_signs(name, header, symbols)
    names = [_plain(cell) for cell in header]
    seconds = [column for column in names if column in _SECOND_TIMES]
    times = _of(names, _OPENING_TIMES) or _of(names, _TIMES) or seconds
    _require_each_once(name, header, names, times)
    places = {"time": names.index(times[0])} | {column: names.index(column) for column in PRICES}
    for role, known in (("pair", _PAIRS), ("currency", _CURRENCIES), ("zone", _ZONES)):
        known_places = _of(names, known)
        if known_places:
            places[role] = names.index(known_places[0])
    if seconds and times != seconds:
        places["second"] = names.index(seconds[0])
    volume, note = _volume(name, header, names, symbols)
    return Columns(places | ({} if volume is None else {"volume": volume}), note)


def _require_each_once(
    name: str, header: Sequence[str], names: Sequence[str], times: Sequence[str]
) -> None:
    """Raise unless the time and each price have one column."""
    missing = [] if len(times) == 1 else ["date"]
    missing += [column for column in PRICES if names.count(column) != 1]
    if missing:
        written = ", ".join(repr(cell.strip()[:20]) for cell in header[:8])
        raise ImportRefused(
            f"{name}: line 1: the header must name each of date (or timestamp), open, high, low, close once, "
            f"and may name volume; it lacks or repeats {', '.join(missing)}. Found: {written}"
        )


def _require_dollar_signs(file: str, header: Sequence[str], symbols: Sequence[str]) -> None:
    """See that no title has another currency's sign than the dollar's, in whatever width."""
    own = {"$", "₿"} if "BTC" in symbols else {"$"}
    for cell in header:
        signs = {
            unicodedata.normalize("NFKC", each)
            for each in cell
            if unicodedata.category(each) == "Sc"
        }
        if not signs <= own:
            raise ImportRefused(
                f"{file}: line 1: {cell.strip()[:40]!r} says that prices are in {(signs - own).pop()}, and only US "
                "dollars are kept"
            )


def _of(names: Sequence[str], known: Sequence[str]) -> list[str]:
    return [column for column in names if column in known]


def _plain(cell: str) -> str:
    """A name without case, brackets, underscores and spaces around it: `Volume_(BTC)` is `volume btc`."""
    return re.sub(r"[\W_]+", " ", cell).strip().lower()


def _volume(
    file: str, header: Sequence[str], names: Sequence[str], symbols: Sequence[str]
) -> tuple[int | None, tuple[str, ...]]:
    """Where the volume in units of the token stands, and why none does."""
    _require_dollars(file, header, names, symbols)
    own = {f"volume {symbol.lower()}" for symbol in symbols}
    places = [at for at, column in enumerate(names) if _in_units(column, symbols)]
    named = [at for at in places if names[at] in own]
    places = named or places
    written = ", ".join(repr(cell.strip()[:30]) for cell in header if _is_of_volume(_plain(cell)))
    if len(places) == 1 and (named or not set(names) & set(_DOLLAR_WORDS)):
        return places[0], ()
    if len(places) > 1:
        why = f"{written} could each be the volume in units of the token"
    elif places:
        why = f"{written} of such a file is in its currency, not in units of the token"
    else:
        why = f"only {written} is named" if written else "no column names it"
    return None, (f"the volume is not known: {why}",)


def _in_units(name: str, symbols: Sequence[str]) -> bool:
    if name in _BASE_VOLUMES:
        return True
    unit = _unit(name)
    return unit is not None and unit.upper() in symbols


def _unit(name: str) -> str | None:
    """What a column of a volume is counted in by its name."""
    match = _VOLUME_OF.fullmatch(name)
    return None if match is None else match[1] or match[2]


def _is_of_volume(name: str) -> bool:
    return "vol" in name or name in ("turnover", "amount")


def _require_dollars(
    file: str, header: Sequence[str], names: Sequence[str], symbols: Sequence[str]
) -> None:
    """The other half of a pair stands in the name of its volume, as in `Volume EUR`."""
    for cell, name in zip(header, names, strict=True):
        unit = (_unit(name) or "").upper()
        if unit in file_name.OTHER_CURRENCIES and unit not in symbols:
            raise ImportRefused(
                f"{file}: line 1: {cell.strip()!r} says that prices are in {unit}, and only US dollars are kept"
            )
