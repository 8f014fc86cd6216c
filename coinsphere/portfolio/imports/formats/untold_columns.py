"""Finds unmapped columns of a table that may change what is booked, so that they are asked about."""

import re

from coinsphere.portfolio.imports.formats import row_readers
from coinsphere.portfolio.imports.formats.table import Table
from coinsphere.portfolio.imports.statements.record import MONEY

_CURRENCY = re.compile(
    r"(?:.*[\s_])?(?:currency|ccy|quote|w(?:ä|ae)hrung|devise|valuta|moneda|fiat)(?:[\s_](?:code|symbol))?",
    re.IGNORECASE,
)
_STATUS = re.compile(r"(?:.*[\s_])?(?:status|state|statut|stato|estado|zustand)", re.IGNORECASE)
_WAYS = frozenset((
    "buy", "b", "bid", "long", "in", "incoming", "credit", "cr", "deposit", "receive", "received", "+", "kauf", "eingang", "achat", "compra",
    "sell", "s", "ask", "short", "out", "outgoing", "debit", "dr", "withdraw", "withdrawal", "send", "sent", "-", "verkauf", "ausgang",
    "vente", "venta", "transfer", "trade",
))  # fmt: skip
"""Words for what comes and what goes."""
_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?:\s?[AaPp]\.?[Mm]\.?)?")


def may_tell(table: Table, place: int) -> bool:
    """Whether an unmapped column may change what is booked."""
    return (
        _may_undo(table, place)
        or _may_price(table, place)
        or _may_turn(table, place)
        or _may_time(table, place)
    )


def _told(table: Table, place: int) -> set[str]:
    return {line.cells[place].strip() for line in table.lines if place < len(line.cells)} - {""}


def _title(table: Table, place: int) -> str:
    return table.titles[place].strip()


def _may_undo(table: Table, place: int) -> bool:
    """Whether it says that some rows did not happen, or may say so."""
    if not _STATUS.fullmatch(_title(table, place)):
        return False
    return not {row_readers.status_of(each) for each in _told(table, place)} <= row_readers.DONE


def _may_price(table: Table, place: int) -> bool:
    """Whether it says that prices are in something else than the dollars that are meant where no column says it."""
    is_priced = {"price", "fee"} & table.header.places.keys()
    if not is_priced or "currency" in table.header.places:
        return False
    cells = {each.upper() for each in _told(table, place)}
    is_money = bool(cells) and cells <= MONEY and cells != {"USD"}
    return is_money and _CURRENCY.fullmatch(_title(table, place)) is not None


def _may_turn(table: Table, place: int) -> bool:
    """Whether it says which rows came and which left, where signs alone would."""
    if "type" in table.header.places:
        return False
    cells = {each.lower() for each in _told(table, place)}
    return bool(cells) and cells <= _WAYS


def _may_time(table: Table, place: int) -> bool:
    """Whether it is the clock beside a date."""
    at = table.header.places.get("date")
    cells = _told(table, place)
    is_clock = bool(cells) and all(map(_CLOCK.fullmatch, cells))
    return is_clock and at is not None and not any(":" in each for each in _told(table, at))
