"""Binance.US: a row a transaction, what moved as its primary asset, what was traded as a base and a quote.

Layout and rows as public importers have them (BittyTax, dali-rp2, binance-cli). On its market the base was bought or sold; of a
quick purchase or sale the base is what was given, the quote what came, and both have the fee within: 30 USD became 29.84 BUSD
with a fee of 0.15 USD.
"""

from collections.abc import Mapping

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.layout import Layout, single
from coinsphere.portfolio.imports.formats.meanings import (
    BOUGHT,
    SOLD,
    Kinds,
    Meaning,
    Way,
    all_of,
    comes,
    either,
    goes,
)
from coinsphere.portfolio.imports.formats.one_row import At, OneRow
from coinsphere.portfolio.imports.formats.row import Cells, Parsed, text
from coinsphere.portfolio.model import Kind


def _asset(which: str) -> tuple[Column, Column]:
    """Which asset, and how much of it."""
    words = ("Realized", "Amount", "For", which, "Asset")
    return (
        Column(f"{which} Asset", also=(f"{which}_asset",), is_required=True),
        Column(f"{which} Amount", "number", also=("[ _]".join(words),), is_required=True),
    )


def _at(which: str) -> At:
    return At(f"{which} Amount", f"{which} Asset")


_COLUMNS = (
    Column("User ID", "unread", also=("user_id",), why="names the account holder"),
    Column("Time", "moment", is_required=True),
    Column("Category", is_required=True),
    Column("Operation", is_required=True),
    Column("Order ID", "unread", also=("order_id",), why="an order that was filled in parts has several rows"),
    Column("Transaction ID", also=("transaction_id",)),
    *(column for which in ("Primary", "Base", "Quote", "Fee") for column in _asset(which)),
    Column("Worth", "unread", also=("realized[ _]amount[ _]for[ _][a-z]+[ _]asset[ _]in[ _]usd([ _]value)?",), why="the worth is that of the day's close"),
    Column("Payment Method", "unread", also=("payment_method", "withdraw method", "withdrawal_method")),
    Column("Additional Note", also=("additional_note",)),
)  # fmt: skip
_QUICK = Meaning(Way.SOLD, pays=False)
_KINDS: Kinds = {
    "spot trading buy": BOUGHT, "spot trading sell": SOLD,
    **all_of(_QUICK, "quick buy buy", "quick sell sell", "buy buy", "sell sell"),
    **all_of(comes(), "deposit crypto deposit", "deposit usd deposit"),
    **all_of(goes(), "withdrawal crypto withdrawal", "withdrawal usd withdrawal"),
    "distribution others": comes(Kind.AIRDROP), "distribution referral commission": comes(Kind.REWARD),
    "distribution staking rewards": either(Kind.STAKING, Kind.FEE),
}  # fmt: skip
_ROWS = {
    "exchange": "binance.us", "at": "Time", "kind": ("Category", "Operation"), "kinds": _KINDS, "fee": _at("Fee"),
    "identity": "Transaction ID", "notes": "Additional Note",
}  # fmt: skip
_TRADES = OneRow(amount=_at("Base"), worth=_at("Quote"), **_ROWS)  # type: ignore[arg-type]
_MOVES = OneRow(amount=_at("Primary"), **_ROWS)  # type: ignore[arg-type]
_TRADED = (Kind.BUY, Kind.SELL, Kind.SWAP)


def _read(cells: Cells) -> list[Parsed]:
    return (_MOVES if text(cells, "Primary Asset") else _TRADES).read(cells)


def _told(parsed: Parsed) -> Mapping[str, str]:
    return (_TRADES if parsed.kind in _TRADED else _MOVES).told(parsed)


FORMATS = {"binance_us": Layout(_COLUMNS, single(_read), _told, identity="Transaction ID")}
