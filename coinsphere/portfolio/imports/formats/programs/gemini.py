"""Gemini's transaction history, saved as CSV: an amount, a fee and a balance for each asset have columns of their own.

What is bought has a plus, what it was paid in a minus, so that no pair of names has to be parted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from coinsphere.portfolio.imports.formats import records
from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.layout import Layout, always, single
from coinsphere.portfolio.imports.formats.meanings import Kinds, Meaning, all_of, comes, goes
from coinsphere.portfolio.imports.formats.row import (
    Cells,
    Nothing,
    Parsed,
    Row,
    WrongCell,
    moment,
    number,
    reading,
    required,
    text,
)
from coinsphere.portfolio.imports.statements.grouping import alone, exchanged, totals
from coinsphere.portfolio.imports.statements.record import Entry, Record
from coinsphere.portfolio.model import ZERO, Kind

_AMOUNT, _FEE = "Amount", "Fee"
_COLUMNS = (
    Column("Date", "moment", is_required=True),
    Column("Time (UTC)", is_required=True),
    Column("Type", is_required=True),
    Column("Symbol", is_required=True),
    Column("Specification", is_required=True),
    Column("Liquidity Indicator", "unread", also=(r"trading fee rate \(bps\)", "api session", "client order id")),
    Column("Trade ID"),
    Column("Order ID", "unread", also=("order date", r"order time( \(utc\))?")),
    Column("Tx Hash", also=("withdrawal tx hash",)),
    Column("Deposit Destination", "unread", also=("deposit tx output", "withdrawal destination", "withdrawal tx output"), why="is an address"),
    Column(_AMOUNT, "number", also=(r"(?P<each>[a-z0-9]+) amount (?P=each)",)),
    Column(_FEE, "number", also=(r"fee \((?P<each>[a-z0-9]+)\) (?P=each)",)),
    Column("Balance", "unread", also=(r"([a-z0-9]+) balance \1",), why="follows from the amounts"),
)  # fmt: skip

KINDS: Kinds = {
    "credit deposit": comes(), "debit withdrawal": goes(),
    **all_of(comes(Kind.INTEREST), "credit interest credit", "credit earn interest"),
    **all_of(comes(Kind.STAKING), "credit staking reward", "credit staking interest"),
    **all_of(comes(Kind.REWARD), "credit administrative credit", "credit credit card reward", "credit reward", "credit referral bonus"),
    "debit administrative debit": goes(Kind.WITHDRAWAL),
    **all_of("was staked or lent and is still yours", "debit earn transfer", "credit earn redemption", "debit staking transfer",
             "credit staking redemption"),
}  # fmt: skip
_PARTS = {"amount": "Symbol", "change": "Symbol", "fee": "Symbol", "kind": "Type"}


def read(cells: Cells) -> list[Parsed]:
    """The transaction of a row. Raises `Nothing`, `WrongCell`."""
    if text(cells, "Date") is None:
        raise Nothing("sums what stands above")
    with records.columns(_PARTS):
        parsed = records.parsed(_records(cells), "gemini")
    return [replace(each, tx_hash=text(cells, "Tx Hash")) for each in parsed]


def _records(cells: Cells) -> Sequence[Record]:
    kind, name = required(cells, "Type").lower(), text(cells, "Trade ID") or ""
    entries = list(_entries(cells, name))
    if kind in ("buy", "sell"):
        return exchanged(name, entries)
    meaning = _meaning(cells, kind)
    changes, fees = totals(entries)
    return list(alone(name, _moment(cells), changes, fees, (meaning.come, meaning.go)))


def _meaning(cells: Cells, kind: str) -> Meaning:
    specification = (text(cells, "Specification") or "").partition("(")[0].strip().lower()
    meaning = KINDS.get(f"{kind} {specification}")
    if meaning is None:
        raise WrongCell(
            "Specification", f"{f'{kind} {specification}'[:40]!r} is no kind that we know"
        )
    if isinstance(meaning, str):
        raise Nothing(meaning)
    return meaning


def _entries(cells: Cells, name: str) -> Sequence[Entry]:
    at, entries = _moment(cells), []
    for asset in sorted(
        {
            column.partition(" ")[2]
            for column in cells
            if column.startswith((f"{_AMOUNT} ", f"{_FEE} "))
        }
    ):
        change, fee = (
            number(cells, f"{_AMOUNT} {asset}") or ZERO,
            number(cells, f"{_FEE} {asset}") or ZERO,
        )
        if change or fee:
            entries.append(Entry(name, "", at, "", asset, change, -fee))
    if not entries:
        raise WrongCell("Symbol", "no column tells how much it was")
    return entries


def _moment(cells: Cells) -> datetime:
    """A date, with the time of the column beside it where the date has none."""
    date, time = required(cells, "Date"), text(cells, "Time (UTC)")
    whole: Mapping[str, str] = (
        cells if ":" in date or time is None else {**cells, "Date": f"{date} {time}"}
    )
    return moment(Row(whole, reading(cells)), "Date")


FORMATS = {
    "gemini": Layout(
        _COLUMNS, single(read), always(symbol="Symbol", counter_symbol="Symbol", fee_symbol="Symbol", amount="Symbol", occurred_at="Date"),
        identity="Trade ID",
    ),
}  # fmt: skip
