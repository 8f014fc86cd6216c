"""Coinbase's transaction history: mostly a row a transaction; the notes of a trade tell what it was paid in.

What rows mean stands in `coinsphere.portfolio.imports.statements.coinbase`, for the API as well.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from coinsphere.parsing import number_formats
from coinsphere.parsing.number_formats import Mark
from coinsphere.portfolio.imports.formats import records
from coinsphere.portfolio.imports.formats.row import (
    Cells,
    Nothing,
    Parsed,
    WrongCell,
    agreed,
    amount,
    moment,
    number,
    reading,
    required,
    text,
)
from coinsphere.portfolio.imports.statements import coinbase
from coinsphere.portfolio.imports.statements.coinbase import Meaning, Noted
from coinsphere.portfolio.imports.statements.grouping import BORROWED
from coinsphere.portfolio.imports.statements.record import MONEY, Entry, NotUnderstood
from coinsphere.portfolio.model import EXACT, UNIT, ZERO, Kind

_COLUMNS = {
    "kind": "Transaction Type", "change": "Quantity Transacted", "amount": "Quantity Transacted",
    "fee": "Quantity Transacted", "notes": "Notes",
}  # fmt: skip


def groups(rows: Sequence[Cells]) -> list[list[int]]:
    """The rows, by index, of each event: newer files have a row for each side of a conversion."""
    events: dict[object, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        kind, at = (text(row, column) or "" for column in ("Transaction Type", "Timestamp"))
        is_conversion = coinbase.meaning(kind) is Meaning.CONVERTED
        events[(kind, at) if is_conversion else place].append(place)
    parts = (part for places in events.values() for part in _two_sides(rows, places))
    return sorted(parts, key=min)


def _two_sides(rows: Sequence[Cells], places: list[int]) -> list[list[int]]:
    """The rows together where they are one minus and one plus of two assets; else each by itself."""
    sides = [records.readable(_coinbase_entry, rows[place]) for place in places]
    names = {text(rows[place], "Asset") for place in places}
    signs = {side.change > 0 for side in sides if side}
    is_pair = len(places) == len(names) == len(signs)
    return [places] if is_pair else [[place] for place in places]


def read(rows: Sequence[Cells]) -> list[Parsed]:
    """The transactions of one event. Raises `Nothing`, `WrongCell`."""
    return _read_one(rows[0]) if len(rows) == 1 else _read_conversion(rows)


def _read_conversion(rows: Sequence[Cells]) -> list[Parsed]:
    """What was given for what came, worth what the row of what was given says."""
    entries = records.entries(_coinbase_entry, rows)
    sent_row = rows[0] if entries[0].change < 0 else rows[1]
    with records.columns(_COLUMNS):
        parsed = records.parsed(coinbase.records(entries), "coinbase")
    return [
        replace(
            each, price=_price(sent_row), currency=_currency(sent_row), notes=text(sent_row, "Notes"), external_id=text(sent_row, "ID")
        )
        for each in parsed
    ]  # fmt: skip


def _read_one(cells: Cells) -> list[Parsed]:
    """A row that is a transaction by itself: what a trade was paid in stands in its notes."""
    entry = _coinbase_entry(cells)
    with records.columns(_COLUMNS):
        what, notes = coinbase.meaning(entry.kind), text(cells, "Notes")
        if what in (Meaning.BOUGHT, Meaning.SOLD, Meaning.CONVERTED):
            parsed = _traded(cells, entry, notes or "")
        else:
            parsed = records.parsed(coinbase.records([entry]), "coinbase")
            is_income = parsed[0].kind not in _PRICELESS
            parsed = [
                replace(
                    parsed[0], price=_price(cells) if is_income else None, currency=_currency(cells)
                )
            ]
    return [replace(each, notes=notes, external_id=text(cells, "ID")) for each in parsed]


def caution(rows: Sequence[Cells]) -> str | None:
    """A warning about a row that was read; None where there is none."""
    what = coinbase.meaning(required(rows[0], "Transaction Type"))
    if what in (Meaning.COMES, Meaning.GOES) and number(rows[0], "Fees"):
        return _FEE_OF_A_MOVE
    return BORROWED if what is Meaning.LENT else None


_FEE_OF_A_MOVE = "has a fee, and nothing tells whether the quantity has it within: it is not booked"
_PRICELESS = frozenset(
    {Kind.TRANSFER_IN, Kind.TRANSFER_OUT, Kind.WITHDRAWAL, Kind.DEPOSIT, Kind.GIFT, Kind.FEE}
)


def _coinbase_entry(cells: Cells) -> Entry:
    kind = coinbase.kind_of(required(cells, "Transaction Type"), text(cells, "Notes") or "")
    amount(cells, "Quantity Transacted")
    return Entry(
        name=text(cells, "ID") or "",
        group="",
        at=moment(cells, "Timestamp"),
        kind=kind,
        asset=coinbase.asset(required(cells, "Asset")),
        change=coinbase.change(kind, records.given(cells, "Quantity Transacted")),
    )


def _traded(cells: Cells, entry: Entry, notes: str) -> list[Parsed]:
    """A purchase, sale or conversion: for another token where the notes name one, else for money."""
    noted = coinbase.counter(entry, notes)
    if noted is None:
        return [_for_money(cells, entry)]
    other = (noted.asset, _noted(cells, noted, abs(entry.change)))
    what = coinbase.meaning(entry.kind)
    if other[0] == entry.asset:
        raise Nothing("the same asset under another name")
    change = entry.change if what is Meaning.BOUGHT else -abs(entry.change)
    swap = coinbase.purchase(entry.name, entry.at, (entry.asset, change), other)
    (made,) = records.parsed([swap], "coinbase")
    if made.kind is not Kind.SWAP:
        return [made]
    worth = _price(cells) if what is Meaning.CONVERTED else _whole_price(cells, made.amount)
    return [replace(made, price=worth, currency=_currency(cells))]


def _noted(cells: Cells, noted: Noted, quantity: Decimal) -> Decimal:
    """The number of a note. Where it could have either mark, that decides by which the note's first is the quantity.

    Else notes are English as Coinbase writes them, unless the file's own numbers are not.
    """
    digits, own = (
        number_formats.written(each.strip(".,")) for each in (noted.amount, noted.quantity)
    )
    possible = set(number_formats.marks(digits.digits)) if digits else set()
    if len(possible) > 1:
        fitting = {each for each in possible if own and number_formats.value(own, each) == quantity}
        is_english = Mark.COMMA not in reading(cells).marks.values()
        possible = fitting if len(fitting) == 1 else {Mark.POINT} if is_english else set()
    value = number_formats.value(digits, possible.pop()) if digits and possible else None
    if not value:
        raise NotUnderstood("notes", f"{noted.amount[:40]!r} does not tell how much it was")
    return value


def _whole_price(cells: Cells, quantity: Decimal) -> Decimal | None:
    """Of one unit of what was given on a market of two tokens: its amount has the fees within, as the total has."""
    return _unit_price(cells, "Total", quantity)


def _for_money(cells: Cells, entry: Entry) -> Parsed:
    if entry.asset in MONEY:
        raise Nothing(records.MONEY_ONLY)
    is_buy = coinbase.meaning(entry.kind) is Meaning.BOUGHT
    fee, quantity = number(cells, "Fees"), abs(entry.change)
    is_whole = _is_rebate(cells, is_buy=is_buy) or _is_total_alone(cells)
    return Parsed(
        kind=Kind.BUY if is_buy else Kind.SELL,
        symbol=entry.asset,
        amount=quantity,
        occurred_at=entry.at,
        price=_whole_price(cells, quantity)
        if is_whole
        else _price(cells) or _left_of_total(cells, is_buy=is_buy),
        currency=_currency(cells),
        fee=abs(fee) if fee and not is_whole else None,
        exchange="coinbase",
    )


def _left_of_total(cells: Cells, *, is_buy: bool) -> Decimal | None:
    """The price of a unit where neither price nor subtotal is told: a price of 0.00 is that of a small coin, rounded."""
    total, fee = (abs(number(cells, column) or ZERO) for column in ("Total", "Fees"))
    worth = EXACT.subtract(total, fee) if is_buy else EXACT.add(total, fee)
    if not total or worth <= 0:
        return number(cells, "Price at Transaction")
    return EXACT.divide(worth, amount(cells, "Quantity Transacted")).quantize(UNIT, context=EXACT)


def _is_rebate(cells: Cells, *, is_buy: bool) -> bool:
    """Whether the fee was paid back, as the total shows; in some years a sale's fee has a minus as well."""
    fee, worth, total = (number(cells, column) for column in ("Fees", "Subtotal", "Total"))
    if fee is None or fee >= 0 or not worth or not total:
        return False
    return (abs(total) < abs(worth)) is is_buy


def _is_total_alone(cells: Cells) -> bool:
    """Whether the total tells all that is known of the fee, as files until 2019 have it."""
    subtotal, fee, total = (number(cells, column) for column in ("Subtotal", "Fees", "Total"))
    return subtotal is None and fee is None and bool(total)


def _price(cells: Cells) -> Decimal | None:
    """The price of a unit, from the subtotal where there is one, as the price shown is rounded."""
    quantity = amount(cells, "Quantity Transacted")
    return _unit_price(cells, "Subtotal", quantity) or number(cells, "Price at Transaction")


def _unit_price(cells: Cells, column: str, quantity: Decimal) -> Decimal | None:
    worth = number(cells, column)
    if not worth:
        return None
    return EXACT.divide(abs(worth), quantity).quantize(UNIT, context=EXACT)


_MONEY = ("Price at Transaction", "Subtotal", "Total", "Fees")


def _currency(cells: Cells) -> str:
    """The currency of a row's money, by its own column, its headers (`EUR Subtotal`) or the signs beside its numbers."""
    cell = text(cells, "Price Currency")
    currency = cell.upper() if cell else None
    for column in _MONEY:
        currency = agreed(cells, column, currency)
    if currency is None and any(number(cells, column) for column in _MONEY):
        raise WrongCell("Price Currency", "is empty, and no number tells its currency")
    return currency or "USD"
