"""Files of Kraken and Binance: reads their rows as entries of the exchange's books, and these as transactions.

What rows mean, and which belong together, stands in `coinsphere.portfolio.imports.statements`, for the APIs as well.
"""

from collections import defaultdict
from collections.abc import Sequence

from coinsphere.portfolio.imports.formats import records
from coinsphere.portfolio.imports.formats.row import (
    Cells,
    Nothing,
    Parsed,
    moment,
    number,
    required,
    text,
)
from coinsphere.portfolio.imports.statements import binance as binance_rows
from coinsphere.portfolio.imports.statements import kraken as kraken_rows
from coinsphere.portfolio.imports.statements.record import Entry
from coinsphere.portfolio.model import ZERO

_KRAKEN = {
    "kind": "type",
    "subtype": "subtype",
    "class": "aclass",
    "change": "amount",
    "amount": "amount",
    "fee": "fee",
}
_BINANCE = {"kind": "Operation", "change": "Operation", "amount": "Change", "fee": "Operation"}


# Kraken


def kraken_groups(rows: Sequence[Cells]) -> list[list[int]]:
    """Which rows tell one event, by their places; with one that cannot be read go all rows of its reference, as over the API."""
    entries = [records.readable(_kraken_entry, row) for row in rows]
    broken = {
        text(row, "refid")
        for entry, row in zip(entries, rows, strict=True)
        if entry is None and text(row, "txid")
    } - {None}
    events: dict[str, list[int]] = defaultdict(list)
    for place, (entry, row) in enumerate(zip(entries, rows, strict=True)):
        refid = text(row, "refid")
        if refid in broken and text(row, "txid"):
            events[f"unread {refid}"].append(place)
        else:
            events[f"line {place}" if entry is None else kraken_rows.key(entry)].append(place)
    return list(events.values())


def kraken(rows: Sequence[Cells]) -> list[Parsed]:
    """Kraken's ledger: the rows of one event."""
    if not text(rows[0], "txid"):
        raise Nothing("not settled: the settled row has a txid")
    with records.columns(_KRAKEN):
        return records.parsed(kraken_rows.records(records.entries(_kraken_entry, rows)), "kraken")


def kraken_caution(rows: Sequence[Cells]) -> str | None:
    """A warning about rows that were read; None where there is none."""
    return kraken_rows.caution(records.entries(_kraken_entry, rows))


def _kraken_entry(row: Cells) -> Entry:
    with records.columns(_KRAKEN):
        kraken_rows.require_currency(text(row, "aclass") or "")
    return Entry(
        name=required(row, "txid"),
        group=text(row, "refid") or "",
        at=moment(row, "time"),
        kind=required(row, "type").lower(),
        subtype=(text(row, "subtype") or "").lower(),
        asset=kraken_rows.asset(required(row, "asset")),
        change=records.given(row, "amount"),
        fee=number(row, "fee") or ZERO,
    )


# Binance


def binance_groups(rows: Sequence[Cells]) -> list[list[int]]:
    """As `kraken_groups`; Binance gives no ids, so by operation, account and time, which a row may tell that cannot be read."""
    entries = [
        (place, records.readable(_binance_entry, row) or records.readable(_binance_outline, row))
        for place, row in enumerate(rows)
    ]
    readable = [(place, entry) for place, entry in entries if entry is not None]
    events = binance_rows.groups([entry for _, entry in readable])
    alone = [[place] for place, entry in entries if entry is None]
    return sorted([*alone, *([readable[at][0] for at in event] for event in events)])


def binance(rows: Sequence[Cells]) -> list[Parsed]:
    """Binance's statement: the rows of one event."""
    with records.columns(_BINANCE):
        return records.parsed(
            binance_rows.records(records.entries(_binance_entry, rows)), "binance"
        )


def binance_caution(rows: Sequence[Cells]) -> str | None:
    """A warning about rows that were read; None where there is none."""
    return binance_rows.caution(records.entries(_binance_entry, rows))


def _binance_entry(row: Cells) -> Entry:
    return _binance_outline(row)._replace(
        asset=binance_rows.asset(required(row, "Coin")), change=records.given(row, "Change")
    )


def _binance_outline(row: Cells) -> Entry:
    """The parts of a row by which rows are grouped."""
    return Entry(
        name="",
        group="",
        at=moment(row, "UTC_Time"),
        kind=required(row, "Operation"),
        account=text(row, "Account") or "",
        asset="",
        change=ZERO,
    )
