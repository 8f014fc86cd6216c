"""Files of Kraken, Binance and Coinbase as entries of their books, and what these mean as transactions of a file.

What rows mean, and which belong together, stands in `coinsphere.portfolio.imports.statements`, for the APIs as well.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

from coinsphere.portfolio.imports.formats.numbers import Mark
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
from coinsphere.portfolio.imports.statements import binance as binance_rows
from coinsphere.portfolio.imports.statements import coinbase as coinbase_rows
from coinsphere.portfolio.imports.statements import kraken as kraken_rows
from coinsphere.portfolio.imports.statements import record
from coinsphere.portfolio.imports.statements.coinbase import Meaning
from coinsphere.portfolio.imports.statements.record import MONEY, Entry, NotUnderstood, Record
from coinsphere.portfolio.imports.statements.trades import deal
from coinsphere.portfolio.model import EXACT, UNIT, ZERO, Kind

_KRAKEN = {
    "kind": "type",
    "subtype": "subtype",
    "change": "amount",
    "amount": "amount",
    "fee": "fee",
}
_BINANCE = {"kind": "Operation", "change": "Operation", "amount": "Change", "fee": "Operation"}
_COINBASE = {
    "kind": "Transaction Type", "change": "Quantity Transacted", "amount": "Quantity Transacted",
    "fee": "Quantity Transacted", "notes": "Notes",
}  # fmt: skip


# Kraken


def kraken_groups(rows: Sequence[Cells]) -> list[list[int]]:
    """Which rows tell one event, by their places; with one that cannot be read go all rows of its reference, as over the API."""
    entries = [_readable(_kraken_entry, row) for row in rows]
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
    with _columns(_KRAKEN):
        return _parsed(kraken_rows.records(_entries(_kraken_entry, rows)), "kraken")


def _kraken_entry(row: Cells) -> Entry:
    return Entry(
        name=required(row, "txid"),
        group=text(row, "refid") or "",
        at=moment(row, "time"),
        kind=required(row, "type").lower(),
        subtype=(text(row, "subtype") or "").lower(),
        asset=kraken_rows.asset(required(row, "asset")),
        change=_given(row, "amount"),
        fee=number(row, "fee") or ZERO,
    )


# Binance


def binance_groups(rows: Sequence[Cells]) -> list[list[int]]:
    """As `kraken_groups`; Binance gives no ids, so by operation, account and time, which a row may tell that cannot be read."""
    entries = [
        (place, _readable(_binance_entry, row) or _readable(_binance_outline, row))
        for place, row in enumerate(rows)
    ]
    told = [(place, entry) for place, entry in entries if entry is not None]
    events = binance_rows.groups([entry for _, entry in told])
    alone = [[place] for place, entry in entries if entry is None]
    return sorted([*alone, *([told[at][0] for at in event] for event in events)])


def binance(rows: Sequence[Cells]) -> list[Parsed]:
    """Binance's statement: the rows of one event."""
    with _columns(_BINANCE):
        return _parsed(binance_rows.records(_entries(_binance_entry, rows)), "binance")


def _binance_entry(row: Cells) -> Entry:
    return _binance_outline(row)._replace(
        asset=binance_rows.asset(required(row, "Coin")), change=_given(row, "Change")
    )


def _binance_outline(row: Cells) -> Entry:
    """What tells which rows belong together."""
    return Entry(
        name="",
        group="",
        at=moment(row, "UTC_Time"),
        kind=required(row, "Operation"),
        account=text(row, "Account") or "",
        asset="",
        change=ZERO,
    )


# Coinbase


def coinbase(cells: Cells) -> list[Parsed]:
    """Coinbase's transaction history, a row a transaction: what a trade was paid in stands in its notes."""
    entry = _coinbase_entry(cells)
    with _columns(_COINBASE):
        what, notes = coinbase_rows.meaning(entry.kind), text(cells, "Notes")
        if what in (Meaning.BOUGHT, Meaning.SOLD, Meaning.CONVERTED):
            made = _traded(cells, entry, notes or "")
        else:
            made = _parsed(coinbase_rows.records([entry]), "coinbase")
            is_income = made[0].kind not in _PRICELESS
            made = [
                replace(
                    made[0], price=_price(cells) if is_income else None, currency=_currency(cells)
                )
            ]
    return [replace(each, notes=notes, external_id=text(cells, "ID")) for each in made]


_PRICELESS = frozenset(
    {Kind.TRANSFER_IN, Kind.TRANSFER_OUT, Kind.WITHDRAWAL, Kind.DEPOSIT, Kind.FEE}
)


def _coinbase_entry(cells: Cells) -> Entry:
    kind = required(cells, "Transaction Type")
    amount(cells, "Quantity Transacted")
    return Entry(
        name=text(cells, "ID") or "",
        group="",
        at=moment(cells, "Timestamp"),
        kind=kind,
        asset=coinbase_rows.asset(required(cells, "Asset")),
        change=coinbase_rows.change(kind, _given(cells, "Quantity Transacted")),
    )


def _traded(cells: Cells, entry: Entry, notes: str) -> list[Parsed]:
    """A purchase, sale or conversion: for another token where the notes name one, else for money."""
    mark = Mark.COMMA if Mark.COMMA in reading(cells).marks.values() else Mark.POINT
    other = coinbase_rows.counter(entry, notes, mark)
    if other is None:
        return [_for_money(cells, entry)]
    what = coinbase_rows.meaning(entry.kind)
    if other[0] == entry.asset:
        raise Nothing("the same asset under another name")
    change = entry.change if what is Meaning.BOUGHT else -abs(entry.change)
    swap = coinbase_rows.purchase(entry.name, entry.at, (entry.asset, change), other)
    (made,) = _parsed([swap], "coinbase")
    if made.kind is not Kind.SWAP:
        return [made]
    worth = _price(cells) if what is Meaning.CONVERTED else _whole_price(cells, made.amount)
    return [replace(made, price=worth, currency=_currency(cells))]


def _whole_price(cells: Cells, quantity: Decimal) -> Decimal | None:
    """Of one unit of what was given on a market of two tokens: its amount has the fees within, as the total has."""
    return _unit_price(cells, "Total", quantity)


def _for_money(cells: Cells, entry: Entry) -> Parsed:
    if entry.asset in MONEY:
        raise Nothing(_MONEY_ONLY)
    is_buy = coinbase_rows.meaning(entry.kind) is Meaning.BOUGHT
    fee, quantity = number(cells, "Fees"), abs(entry.change)
    is_back = _is_rebate(cells, is_buy=is_buy)
    return Parsed(
        kind=Kind.BUY if is_buy else Kind.SELL,
        symbol=entry.asset,
        amount=quantity,
        occurred_at=entry.at,
        price=_whole_price(cells, quantity) if is_back else _price(cells),
        currency=_currency(cells),
        fee=abs(fee) if fee and not is_back else None,
        exchange="coinbase",
    )


def _is_rebate(cells: Cells, *, is_buy: bool) -> bool:
    """Whether the fee was paid back: by the total, as a sale's is written with a minus in some years."""
    fee, worth, total = (number(cells, column) for column in ("Fees", "Subtotal", "Total"))
    if fee is None or fee >= 0 or not worth or not total:
        return False
    return (abs(total) < abs(worth)) is is_buy


def _price(cells: Cells) -> Decimal | None:
    """What was paid for a unit, from the subtotal where it is told: the price shown is rounded."""
    quantity = amount(cells, "Quantity Transacted")
    return _unit_price(cells, "Subtotal", quantity) or number(cells, "Price at Transaction")


def _unit_price(cells: Cells, column: str, quantity: Decimal) -> Decimal | None:
    worth = number(cells, column)
    if not worth:
        return None
    return EXACT.divide(abs(worth), quantity).quantize(UNIT, context=EXACT)


def _currency(cells: Cells) -> str:
    """That of all money of a row, by its own column, its headers (`EUR Subtotal`) or the signs beside its numbers."""
    told = text(cells, "Price Currency")
    found = told.upper() if told else None
    for column in ("Price at Transaction", "Subtotal", "Total", "Fees"):
        found = agreed(cells, column, found)
    return found or "USD"


# Common to all

_MONEY_ONLY = "moves a currency alone, which we do not keep"


def _parsed(made: Sequence[Record], exchange: str) -> list[Parsed]:
    deals = [(each, told) for each in made if (told := deal(each)) is not None]
    if not deals:
        raise Nothing(_MONEY_ONLY)
    return [
        Parsed(
            kind=told.kind,
            symbol=told.asset,
            amount=told.amount,
            occurred_at=each.at,
            price=told.price,
            currency=told.currency or "USD",
            fee=told.fee,
            fee_symbol=told.fee_asset,
            counter_symbol=told.counter_asset,
            counter_amount=told.counter_amount,
            exchange=exchange,
            external_id=each.native_id if each.native_id.partition(":")[0] else None,
        )
        for each, told in deals
    ]


@contextmanager
def _columns(names: Mapping[str, str]) -> Iterator[None]:
    """What is wrong with a row, or its meaning nothing, in the words of its file."""
    try:
        yield
    except record.Nothing as nothing:
        raise Nothing(str(nothing)) from None
    except NotUnderstood as error:
        raise WrongCell(names[error.part], error.reason) from None


def _entries(read: Callable[[Cells], Entry], rows: Sequence[Cells]) -> list[Entry]:
    """The rows of one event. Raises `WrongCell` with the place of the first that cannot be read."""
    made = []
    for place, row in enumerate(rows):
        try:
            made.append(read(row))
        except WrongCell as error:
            raise WrongCell(error.column, error.reason, place) from None
    return made


def _readable(read: Callable[[Cells], Entry], row: Cells) -> Entry | None:
    try:
        return read(row)
    except WrongCell:
        return None


def _given(row: Cells, column: str) -> Decimal:
    found = number(row, column)
    if found is None:
        raise WrongCell(column, "is empty")
    return found
