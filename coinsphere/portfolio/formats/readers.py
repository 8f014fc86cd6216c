"""The files that we read: how each tells a transaction. One function a format, one row at a time.

Those of exchanges are read by `coinsphere.portfolio.formats.exchanges`.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, localcontext

from coinsphere.portfolio.formats.row import (
    Cells,
    Parsed,
    Reader,
    WrongCell,
    amount,
    moment,
    number,
    required,
    text,
)
from coinsphere.portfolio.model import EXACT, UNIT, Kind

FIAT = frozenset(
    {
        "USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "BGN",
        "TRY", "BRL", "MXN", "ZAR", "INR", "IDR", "ILS", "KRW", "CNY", "HKD", "SGD", "THB", "PHP", "MYR", "ISK",
    }
)  # fmt: skip
"""Currencies with reference rates of the European Central Bank, and the euro itself."""

OWN_COLUMNS = (
    "date", "type", "token", "amount", "price", "currency", "fee", "fee_token", "counter_token", "counter_amount",
    "exchange", "tx_hash", "notes", "external_id", "source",
)  # fmt: skip

ALIASES = {
    "receive": Kind.TRANSFER_IN,
    "received": Kind.TRANSFER_IN,
    "transfer": Kind.TRANSFER_OUT,
    "send": Kind.TRANSFER_OUT,
    "trade": Kind.SWAP,
    "convert": Kind.SWAP,
    "mining": Kind.REWARD,
    "income": Kind.REWARD,
}


def kind(cells: Cells, column: str) -> Kind:
    """A cell's kind of transaction, by our names and a few others. Raises `WrongCell`."""
    found = required(cells, column).lower().replace(" ", "_")
    try:
        return ALIASES.get(found) or Kind(found)
    except ValueError:
        raise WrongCell(column, f"{found[:40]!r} is no kind of transaction") from None


def own(cells: Cells) -> list[Parsed]:
    """Our own export."""
    return [
        Parsed(
            kind=kind(cells, "type"),
            symbol=required(cells, "token").upper(),
            amount=amount(cells, "amount"),
            occurred_at=moment(cells, "date"),
            price=number(cells, "price"),
            currency=(text(cells, "currency") or "USD").upper(),
            fee=number(cells, "fee"),
            fee_symbol=_upper(text(cells, "fee_token")),
            counter_symbol=_upper(text(cells, "counter_token")),
            counter_amount=number(cells, "counter_amount"),
            exchange=_unguarded(text(cells, "exchange")),
            notes=_unguarded(text(cells, "notes")),
            tx_hash=_unguarded(text(cells, "tx_hash")),
            external_id=_unguarded(text(cells, "external_id")),
            source=text(cells, "source") or "import",
        )
    ]


_KOINLY_IN = {
    "airdrop": Kind.AIRDROP, "reward": Kind.REWARD, "mining": Kind.REWARD, "staking": Kind.STAKING,
    "lending interest": Kind.INTEREST, "loan interest": Kind.INTEREST, "interest": Kind.INTEREST, "fork": Kind.AIRDROP,
    "income": Kind.REWARD, "other income": Kind.REWARD,
}  # fmt: skip
_KOINLY_OUT = {"gift": Kind.GIFT, "lost": Kind.LOST, "cost": Kind.FEE, "fee": Kind.FEE}


def koinly(cells: Cells) -> list[Parsed]:
    """Koinly's universal format: what was sent, what was received, and a label."""
    sent, received = number(cells, "Sent Amount"), number(cells, "Received Amount")
    out, come = text(cells, "Sent Currency"), text(cells, "Received Currency")
    sides = Sides(
        sent=(_upper(out), abs(sent)) if sent and out else None,
        received=(_upper(come), abs(received)) if received and come else None,
    )
    label = (text(cells, "Label") or "").lower()
    fee = number(cells, "Fee Amount")
    worth, worth_currency = number(cells, "Net Worth Amount"), text(cells, "Net Worth Currency")
    made = sides.parsed(
        occurred_at=moment(cells, "Date"),
        fee=(abs(fee), required(cells, "Fee Currency").upper()) if fee else None,
        worth=(abs(worth), (worth_currency or "USD").upper()) if worth else None,
        incoming=_KOINLY_IN.get(label, Kind.TRANSFER_IN),
        outgoing=_KOINLY_OUT.get(label, Kind.TRANSFER_OUT),
    )
    if made is None:
        if sides.sent is None and sides.received is None:
            raise WrongCell("Sent Amount", "neither sent nor received")
        return []
    notes, tx_hash = text(cells, "Description"), text(cells, "TxHash")
    return [replace(made, notes=notes, tx_hash=tx_hash)]


def generic(mapping: Mapping[str, str]) -> Reader:
    """A reader of any table, by a mapping of our columns to those of the file.

    Args:
        mapping: our names (`OWN_COLUMNS`) to the names in the file; `type` may be missing where amounts have signs.
    """

    def read(cells: Cells) -> list[Parsed]:
        renamed = {ours: cells.get(theirs, "") for ours, theirs in mapping.items()}
        try:
            if "type" not in mapping:
                signed = number(renamed, "amount")
                renamed["type"] = "sell" if signed is not None and signed < 0 else "buy"
            return own(renamed)
        except WrongCell as error:
            raise WrongCell(mapping.get(error.column, error.column), error.reason) from None

    return read


class Sides:
    """What was sent and what was received at once, each a symbol and an amount."""

    def __init__(
        self,
        sent: tuple[str | None, Decimal] | None,
        received: tuple[str | None, Decimal] | None,
    ) -> None:
        self.sent = None if sent is None or sent[0] is None else (sent[0], sent[1])
        self.received = (
            None if received is None or received[0] is None else (received[0], received[1])
        )

    def parsed(
        self,
        *,
        occurred_at: datetime,
        fee: tuple[Decimal, str] | None,
        worth: tuple[Decimal, str] | None,
        incoming: Kind,
        outgoing: Kind,
    ) -> Parsed | None:
        """The transaction; None where only a currency moved, which we do not keep."""
        fee_part = _fee(fee)
        if self.sent is not None and self.received is not None:
            made = self._trade(occurred_at, fee_part)
        else:
            made = self._move(occurred_at, fee_part, worth, incoming if self.received else outgoing)
        if made is None or fee is None or fee[1] not in FIAT or fee[1] == made.currency:
            return made
        if made.price is not None:
            raise WrongCell("Fee Currency", f"{fee[1]} is not that of the price, {made.currency}")
        return replace(made, currency=fee[1])

    def _move(
        self,
        occurred_at: datetime,
        fee: tuple[Decimal | None, str | None],
        worth: tuple[Decimal, str] | None,
        kind_of: Kind,
    ) -> Parsed | None:
        side = self.sent or self.received
        if side is None or side[0] in FIAT:
            return None
        price, currency = _unit_price(worth, side[1])
        return Parsed(kind_of, side[0], side[1], occurred_at, price, currency, *fee)

    def _trade(
        self, occurred_at: datetime, fee: tuple[Decimal | None, str | None]
    ) -> Parsed | None:
        assert self.sent is not None
        assert self.received is not None
        (out, given), (come, got) = self.sent, self.received
        if out in FIAT and come in FIAT:
            return None
        if out in FIAT:
            price, _ = _unit_price((given, out), got)
            return Parsed(Kind.BUY, come, got, occurred_at, price, out, *fee)
        if come in FIAT:
            price, _ = _unit_price((got, come), given)
            return Parsed(Kind.SELL, out, given, occurred_at, price, come, *fee)
        return Parsed(
            Kind.SWAP,
            out,
            given,
            occurred_at,
            None,
            "USD",
            *fee,
            counter_symbol=come,
            counter_amount=got,
        )


def _fee(fee: tuple[Decimal, str] | None) -> tuple[Decimal | None, str | None]:
    """A fee and the token that it was paid in; None for the token where it was money."""
    if fee is None:
        return None, None
    return fee[0], None if fee[1] in FIAT else fee[1]


def _unit_price(worth: tuple[Decimal, str] | None, units: Decimal) -> tuple[Decimal | None, str]:
    if worth is None:
        return None, "USD"
    with localcontext(EXACT):
        return (worth[0] / units).quantize(UNIT), worth[1]


def _upper(symbol: str | None) -> str | None:
    return None if symbol is None else symbol.upper()


def guarded(text: str) -> str:
    """`text` with a quote before it where a spreadsheet would take it for a formula; importing takes the quote off."""
    return f"'{text}" if text.startswith(GUARDED) else text


def _unguarded(cell: str | None) -> str | None:
    """Without the quote that our export puts before what a spreadsheet would take for a formula."""
    if cell is not None and cell.startswith("'") and cell[1:2] in GUARDED:
        return cell[1:]
    return cell


GUARDED = ("=", "+", "-", "@", "\t", "\r", "\0", "'")
"""Starts of a cell that a spreadsheet may take for a formula, and the guard itself."""
