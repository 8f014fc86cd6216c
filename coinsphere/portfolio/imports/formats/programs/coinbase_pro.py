"""Fills of Coinbase Pro, which ended in 2023: what was traded stands in `size`, its worth follows from the price."""

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.meanings import BOUGHT, SOLD
from coinsphere.portfolio.imports.formats.one_row import At, OneRow, Pair
from coinsphere.portfolio.imports.formats.programs.declared import declared

_UNIT = "price/fee/total unit"
_FILLS = (
    Column("portfolio", "unread", why="all portfolios of one exchange are one account"),
    Column(
        "trade id", "unread", why="is counted by each market, so that two trades may have the same"
    ),
    Column("product", is_required=True),
    Column("side", is_required=True),
    Column("created at", "moment", is_required=True),
    Column("size", "number", is_required=True),
    Column("size unit", "unread", why="is the first of the market"),
    Column("price", "number", is_required=True),
    Column("fee", "number", is_required=True),
    Column("total", "unread", why="follows from size, price and fee"),
    Column(_UNIT, is_required=True),
)

FORMATS = {
    "coinbase_pro_fills": declared(
        _FILLS,
        OneRow(
            exchange="coinbase pro", at="created at", kind=("side",), kinds={"buy": BOUGHT, "sell": SOLD},
            pair=Pair("product", "-", "size", price="price"), fee=At("fee", _UNIT),
        ),
    ),
}  # fmt: skip
