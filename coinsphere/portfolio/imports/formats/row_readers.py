"""Readers of our own and of generic tables, one row at a time, and helpers for the cells that all formats share.

Those of exchanges are read by `coinsphere.portfolio.imports.formats.exchanges`, Koinly's by `coinsphere.portfolio.imports.formats.koinly`.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from coinsphere.portfolio.imports.formats.row import (
    Cells,
    Nothing,
    Parsed,
    Row,
    WrongCell,
    agreed,
    amount,
    moment,
    number,
    reading,
    required,
    text,
    unit,
)
from coinsphere.portfolio.imports.statements.record import MONEY
from coinsphere.portfolio.model import DEPARTURES, LOSSES, Kind

OWN_COLUMNS = (
    "date", "type", "token", "amount", "price", "currency", "fee", "fee_token", "counter_token", "counter_amount",
    "exchange", "tx_hash", "notes", "external_id", "source",
)  # fmt: skip
MAPPED_COLUMNS = (*OWN_COLUMNS, "balance", "status")
"""What a column of any table may stand for; a balance is compared, a status decides whether the row is booked."""

ALIASES = {
    "receive": Kind.TRANSFER_IN,
    "received": Kind.TRANSFER_IN,
    "send": Kind.TRANSFER_OUT,
    "sent": Kind.TRANSFER_OUT,
    "trade": Kind.SWAP,
    "convert": Kind.SWAP,
    "mining": Kind.REWARD,
    "income": Kind.REWARD,
}
OUTGOING = DEPARTURES | LOSSES | {Kind.SELL, Kind.SWAP}


def kind(cells: Cells, column: str) -> Kind:
    """The kind of transaction in a cell, by our names and a few others. Raises `WrongCell`."""
    name = required(cells, column).lower().replace(" ", "_").replace("-", "_")
    if name == "transfer":
        return _transfer(cells)
    try:
        return ALIASES.get(name) or Kind(name)
    except ValueError:
        raise WrongCell(column, f"{name[:40]!r} is no kind of transaction") from None


def _transfer(cells: Cells) -> Kind:
    """The direction of a transfer, by its sign where the file's amounts have signs."""
    change = number(cells, "amount")
    if change is not None and change < 0:
        return Kind.TRANSFER_OUT
    if reading(cells).has_signs:
        return Kind.TRANSFER_IN
    raise WrongCell("type", "a transfer comes or goes: say transfer_in or transfer_out")


def own(cells: Cells) -> list[Parsed]:
    """Our own export, or a table with our columns."""
    transaction_kind = kind(cells, "type")
    symbol = required_symbol(cells, "token")
    agreed(cells, "amount", symbol)
    currency, fee_symbol = _units(cells)
    fee = _fee(cells)
    parsed = Parsed(
        kind=transaction_kind,
        symbol=symbol,
        amount=_signed_amount(cells, transaction_kind),
        occurred_at=moment(cells, "date"),
        price=number(cells, "price"),
        currency=currency or "USD",
        fee=fee,
        # Many programs name the token of every row's fee, whether there is one or not.
        fee_symbol=fee_symbol if fee else None,
        counter_symbol=_symbol(cells, "counter_token"),
        counter_amount=_positive(number(cells, "counter_amount")),
        exchange=_unguarded(text(cells, "exchange")),
        notes=_unguarded(text(cells, "notes")),
        tx_hash=_unguarded(text(cells, "tx_hash")),
        external_id=_unguarded(text(cells, "external_id")),
        source=text(cells, "source") or "import",
    )
    return [_directed(cells, parsed) if transaction_kind is Kind.SWAP else parsed]


def _units(cells: Cells) -> tuple[str | None, str | None]:
    """The currency of the price, and the token of the fee where it is not that currency."""
    currency = agreed(cells, "price", _symbol(cells, "currency"))
    fee_symbol = _symbol(cells, "fee_token") or _fee_token(cells, currency)
    currency = agreed(cells, "fee", currency) if fee_symbol is None else currency
    agreed(cells, "fee", fee_symbol or currency)
    return currency, fee_symbol


def _fee_token(cells: Cells, currency: str | None) -> str | None:
    """The token beside a fee, as in `0.001 BNB`; None where it is money, or what the price is in."""
    beside = unit(cells, "fee")
    return (
        beside
        if beside and beside.isalnum() and beside not in MONEY and beside != currency
        else None
    )


def _directed(cells: Cells, swap: Parsed) -> Parsed:
    """A swap turned so that the sent side comes first, by the signs of both amounts where the file writes them.

    Raises:
        WrongCell: both came or both left, or the price may be that of either.
    """
    is_out, is_back = ((number(cells, name) or 0) < 0 for name in ("amount", "counter_amount"))
    if is_out is is_back and (is_out or reading(cells).has_signs):
        raise WrongCell("counter_amount", "has the sign of the amount: which of both left?")
    if not is_back:
        return swap
    if swap.price is not None or swap.counter_symbol is None or swap.counter_amount is None:
        raise WrongCell("counter_amount", "is negative: say what left first")
    return replace(
        swap, symbol=swap.counter_symbol, amount=swap.counter_amount,
        counter_symbol=swap.symbol, counter_amount=swap.amount,
    )  # fmt: skip


def _signed_amount(cells: Cells, kind_of: Kind) -> Decimal:
    """The amount without its sign. Raises `WrongCell` where a minus does not fit the kind."""
    size = amount(cells, "amount")
    is_minus = (number(cells, "amount") or size) < 0
    if kind_of not in OUTGOING and is_minus:
        raise WrongCell("amount", f"is negative, which does not fit {kind_of}")
    is_signed = cells.get("type") in reading(cells).signed_kinds
    if kind_of in OUTGOING - {Kind.SWAP} and is_signed and not is_minus:
        raise WrongCell("amount", f"has no minus, as others of {kind_of} have: did it come back?")
    return size


def _fee(cells: Cells) -> Decimal | None:
    """The fee. Files write it with a minus or without; one that differs from the others is not clear. Raises `WrongCell`."""
    fee, how = number(cells, "fee"), reading(cells)
    if not fee or (fee > 0 and not (how.has_signs and how.has_negative_fees)):
        return fee
    if how.has_signs and fee < 0:
        return -fee
    sign = "negative" if fee < 0 else "positive, where others are negative"
    raise WrongCell("fee", f"is {sign}: a fee that came back is a transaction of its own")


def _positive(value: Decimal | None) -> Decimal | None:
    return None if value is None else abs(value)


def required_symbol(cells: Cells, column: str) -> str:
    """A symbol, in capitals. Raises `WrongCell` where there is none."""
    symbol = _symbol(cells, column)
    if symbol is None:
        raise WrongCell(column, "is empty")
    return symbol


def _symbol(cells: Cells, column: str) -> str | None:
    symbol = _unguarded(text(cells, column))
    return None if symbol is None or symbol in {"-", "N/A", "n/a"} else symbol.upper()


def generic(cells: Cells) -> list[Parsed]:
    """Any table, its columns called by our names; without a `type`, the sign of an amount tells a buy from a sale.

    Raises:
        Nothing: by its `status` it did not happen, or not yet.
        WrongCell: see there.
    """
    require_done(cells)
    if "type" in cells:
        return own(cells)
    change = number(cells, "amount")
    side = "sell" if change is not None and change < 0 else "buy"
    return own(Row({**cells, "type": side}, reading(cells)))


def untold_kind(rows: Sequence[Cells]) -> str | None:
    """A warning about a row whose kind was guessed from its sign; None where a kind or a price tells it."""
    cells = rows[0]
    if "type" in cells or number(cells, "price") is not None:
        return None
    return "has no type and no price: by its sign it is taken for a purchase or a sale, and may have been moved"


DONE = frozenset({
    "accepted", "approved", "complete", "completed", "confirmed", "credited", "done", "executed", "filled", "finished", "fulfilled",
    "ok", "paid", "partially filled", "processed", "settled", "success", "successful", "succeeded", "valid",
})  # fmt: skip
"""What programs call a row that happened; `closed` is an order that may have been filled or not."""
_NOT_DONE = frozenset({
    "active", "aborted", "awaiting", "awaiting approval", "cancelled", "canceled", "declined", "expired", "failed", "failure", "in progress",
    "initiated", "invalid", "new", "on hold", "open", "pending", "processing", "rejected", "returned", "reversed", "submitted", "unconfirmed",
    "voided", "waiting",
})  # fmt: skip


def status_of(cell: str) -> str:
    """A status in lower case, its words parted by single spaces."""
    return " ".join(re.split(r"[\s_-]+", cell.strip().lower()))


def require_done(cells: Cells, column: str = "status") -> None:
    """Raise unless the row happened: `Nothing` by its status, `WrongCell` where the status is unknown."""
    cell = text(cells, column)
    status = status_of(cell or "")
    if not status or status in DONE:
        return
    if status in _NOT_DONE:
        raise Nothing(f"its status is {status!r}: it did not happen, or not yet")
    raise WrongCell(column, f"{status[:40]!r} is no status that we know")


def guarded(text: str) -> str:
    """`text` with a quote before it where a spreadsheet would take it for a formula; importing takes the quote off."""
    return f"'{text}" if text.startswith(GUARDED) else text


def _unguarded(cell: str | None) -> str | None:
    """Without the quote that our export puts before what a spreadsheet would take for a formula."""
    return (
        cell[1:]
        if cell is not None and cell.startswith("'") and cell[1:].startswith(GUARDED)
        else cell
    )


GUARDED = (
    "=", "+", "-", "@", "\t", "\r", "\n", "\0", "'", " ",
    "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}", "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}",
)  # fmt: skip
"""Starts of a cell that a spreadsheet may take for a formula (OWASP, CSV Injection), and the guard itself."""
