"""Bitstamp's transactions, in the form of today (`RFC 4180`) and in the one before, whose cells have their units."""

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.meanings import (
    BOUGHT,
    SOLD,
    Kinds,
    all_of,
    comes,
    goes,
)
from coinsphere.portfolio.imports.formats.one_row import At, OneRow
from coinsphere.portfolio.imports.formats.programs.declared import declared
from coinsphere.portfolio.model import Kind

_COLUMNS = (
    Column("ID"),
    Column("Account", is_required=True),
    Column("Type", is_required=True),
    Column("Subtype", also=("sub type",), is_required=True),
    Column("Datetime", "moment", is_required=True),
    Column("Amount", "number", is_required=True),
    Column("Amount currency"),
    Column("Value", "number", is_required=True),
    Column("Value currency"),
    Column("Rate", "unread", also=("rate currency",), why="is the value of one, which the value tells exactly"),
    Column("Fee", "number", is_required=True),
    Column("Fee currency"),
    Column("Order ID", "unread"),
)  # fmt: skip

KINDS: Kinds = {
    "market buy": BOUGHT, "market sell": SOLD,
    **all_of(comes(), "deposit", "ripple deposit", "card deposit"),
    **all_of(goes(), "withdrawal", "ripple payment"),
    "staking reward": comes(Kind.STAKING),
}  # fmt: skip

FORMATS = {
    "bitstamp": declared(
        _COLUMNS,
        OneRow(
            exchange="bitstamp", at="Datetime", kind=("Type", "Subtype"), kinds=KINDS, amount=At("Amount", "Amount currency"),
            worth=At("Value", "Value currency"), fee=At("Fee", "Fee currency"), identity="ID", names={"ETH2": "ETH", "ETH2R": "ETH"},
        ),
    ),
}  # fmt: skip
