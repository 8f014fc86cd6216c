"""Ghostfolio's activities, as its JSON export and as the CSV that it reads.

Symbols are those of its sources of data: Yahoo writes a token with its currency (`BTCUSD`, `BTC-USD`); what has another
symbol there is a stock or a fund.
"""

import re

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.layout import Layout, Members, always, single
from coinsphere.portfolio.imports.formats.row import (
    Cells,
    Nothing,
    Parsed,
    WrongCell,
    amount,
    moment,
    number,
    required,
    text,
)
from coinsphere.portfolio.model import Kind

_COLUMNS = (
    Column("Date", "moment", is_required=True),
    Column("Code", also=("symbol",), is_required=True),
    Column("DataSource", is_required=True),
    Column("Currency", is_required=True),
    Column("Price", "number", also=("unitprice",), is_required=True),
    Column("Quantity", "number", is_required=True),
    Column("Action", also=("type",), is_required=True),
    Column("Fee", "number", is_required=True),
    Column("Note", also=("comment",)),
)
_MEMBERS = Members(
    "activities",
    {
        "date": "Date", "symbol": "Code", "dataSource": "DataSource", "currency": "Currency", "unitPrice": "Price",
        "quantity": "Quantity", "type": "Action", "fee": "Fee", "comment": "Note",
    },
    unread={"accountId": "is an id of Ghostfolio", "tags": "says nothing about what is held", "tagIds": "says nothing about what is held",
            "id": "is an id of Ghostfolio"},
)  # fmt: skip

_TRADES = {"buy": Kind.BUY, "sell": Kind.SELL}
NOTHING = {
    "dividend": "moves a currency alone, which we do not keep", "interest": "moves a currency alone, which we do not keep",
    "fee": "moves a currency alone, which we do not keep", "item": "is no token", "liability": "is no token",
}  # fmt: skip


def read(cells: Cells) -> list[Parsed]:
    """The transaction of a row. Raises `Nothing`, `WrongCell`."""
    action = required(cells, "Action").lower()
    if action in NOTHING:
        raise Nothing(NOTHING[action])
    if action not in _TRADES:
        raise WrongCell("Action", f"{action[:40]!r} is no kind that we know")
    currency, fee = required(cells, "Currency").upper(), number(cells, "Fee")
    if fee is not None and fee < 0:
        raise WrongCell("Fee", "is negative: a refund is a deposit")
    return [
        Parsed(
            kind=_TRADES[action], symbol=_symbol(cells, currency), amount=amount(cells, "Quantity"), occurred_at=moment(cells, "Date"),
            price=number(cells, "Price"), currency=currency, fee=fee or None, notes=text(cells, "Note"),
        )
    ]  # fmt: skip


def _symbol(cells: Cells, currency: str) -> str:
    code = required(cells, "Code").upper()
    if required(cells, "DataSource").upper() != "YAHOO":
        return code
    match = re.fullmatch(rf"([A-Z0-9]+?)-?{re.escape(currency)}", code)
    if match is None:
        raise WrongCell("Code", f"{code[:40]!r} is no token priced in {currency}")
    return match[1]


FORMATS = {
    "ghostfolio": Layout(
        _COLUMNS, single(read),
        always(symbol="Code", amount="Quantity", price="Price", fee="Fee", currency="Currency", occurred_at="Date"), members=_MEMBERS,
    ),
}  # fmt: skip
