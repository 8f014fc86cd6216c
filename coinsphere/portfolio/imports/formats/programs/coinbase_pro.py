"""Coinbase Pro, which ended in 2023: its fills, and the statement of its accounts, which tells the fills again under the same names.

A fill's worth follows from its price. The statement has a row for each side of a fill and for its fee, and the balance after
each. Fills are counted by each market, so a name is a market with the number of the fill.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from coinsphere.portfolio.imports.formats.balances import Balance, Place
from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.grouped_rows import GroupedRows
from coinsphere.portfolio.imports.formats.layout import Layout, single
from coinsphere.portfolio.imports.formats.meanings import BOUGHT, SOLD, comes, goes
from coinsphere.portfolio.imports.formats.one_row import At, OneRow, Pair
from coinsphere.portfolio.imports.formats.row import Cells, Parsed, number, required, text
from coinsphere.portfolio.model import ZERO, Kind

_UNIT, _OF = "price/fee/total unit", "amount/balance unit"
_FILLS = (
    Column("portfolio", "unread", why="all portfolios of one exchange are one account"),
    Column("trade id"),
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
_STATEMENT = (
    Column("portfolio"),
    Column("type", is_required=True),
    Column("time", "moment", also=("timestamp",), is_required=True),
    Column("amount", "number", is_required=True),
    Column("balance", "number", is_required=True),
    Column(_OF, is_required=True),
    Column("transfer id", "unread", why="names a row of Coinbase"),
    Column("trade id", is_required=True),
    Column("order id"),
)
_FILL_ROWS = OneRow(
    exchange="coinbase pro", at="created at", kind=("side",), kinds={"buy": BOUGHT, "sell": SOLD},
    pair=Pair("product", "-", "size", price="price"), fee=At("fee", _UNIT), identity="trade id",
)  # fmt: skip
_STATEMENT_ROWS = GroupedRows(
    OneRow(
        exchange="coinbase pro", at="time", kind=("type",), identity="trade id", amount=At("amount", _OF),
        kinds={"deposit": comes(), "withdrawal": goes(), "rebate": comes(Kind.REWARD)},
    ),
    sides={"match": "match", "fee": "match", "conversion": "conversion"}, by=("trade id", "order id", "time"), fees=frozenset({"fee"}),
)  # fmt: skip


def _fill(cells: Cells) -> list[Parsed]:
    return _named(_FILL_ROWS.read(cells), set(required(cells, "product").upper().split("-")))


def _statement(rows: Sequence[Cells]) -> list[Parsed]:
    return _named(_STATEMENT_ROWS.read(rows), {required(row, _OF).upper() for row in rows})


def _named(parsed: list[Parsed], assets: set[str]) -> list[Parsed]:
    market = "-".join(sorted(assets))
    return [
        replace(each, external_id=f"{market}:{each.external_id}") if each.external_id else each
        for each in parsed
    ]


def _moved(cells: Cells) -> Mapping[Place, Decimal]:
    return {(text(cells, _OF), text(cells, "portfolio")): number(cells, "amount") or ZERO}


FORMATS = {
    "coinbase_pro_fills": Layout(_FILLS, single(_fill), _FILL_ROWS.told),
    "coinbase_pro_statement": Layout(
        _STATEMENT, _statement, _STATEMENT_ROWS.rows.told, groups=_STATEMENT_ROWS.groups, balance=Balance("balance", _moved),
        shares_names_with="coinbase_pro_fills", caution=_STATEMENT_ROWS.caution,
    ),
}  # fmt: skip
