"""Kraken's trades, each named as its rows in the ledger are, so that a file of each brings a trade once."""

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.layout import Layout, single
from coinsphere.portfolio.imports.formats.meanings import BOUGHT, SOLD
from coinsphere.portfolio.imports.formats.one_row import At, OneRow, Pair
from coinsphere.portfolio.imports.formats.row import Cells, Parsed, WrongCell, number
from coinsphere.portfolio.imports.statements import kraken

_QUOTES = (
    "USD", "EUR", "GBP", "CAD", "JPY", "AUD", "CHF", "AED", "XBT", "ETH", "USDT", "USDC", "DAI", "DOT", "PYUSD", "EURC", "RLUSD", "USDG",
)  # fmt: skip
_OLD_NAMES = r"(?<=^[A-Z]{4})(?=(?:Z[A-Z]{3}|XXBT|XETH)$)"
"""`XXBTZUSD`, `USDTZUSD`: four letters of each."""
_NEW_NAMES = rf"(?<!^[A-Z]{{4}}[XZ])(?<=[A-Z0-9])(?<!PY)(?<!RL)(?=(?:{'|'.join(_QUOTES)})$)"
"""`XTZUSD`, `ETHXBT`; USD at the end of PYUSD and RLUSD is a part of these."""

_COLUMNS = (
    Column("txid", is_required=True),
    Column("ordertxid", "unread", also=("postxid", "posttxid"), why="an order that was filled in parts has several rows"),
    Column("pair", is_required=True),
    Column("aclass", "unread", also=("subclass",)),
    Column("time", "moment", is_required=True),
    Column("type", is_required=True),
    Column("ordertype", is_required=True),
    Column("price", "unread", why="is the cost of one, which the cost tells exactly"),
    Column("cost", "number", is_required=True),
    Column("fee", "number", is_required=True),
    Column("vol", "number", is_required=True),
    Column("margin", "number", is_required=True),
    Column("ledgers", "unread", also=("misc", "leverage", "costusd"), why="names rows of the ledger"),
    Column("posstatuscode", "unread", also=("posstatus", "cprice", "ccost", "cfee", "cvol", "cmargin", "net", "trades"), why="is told of positions alone"),
)  # fmt: skip
_ROWS = OneRow(
    exchange="kraken", at="time", kind=("type",), kinds={"buy": BOUGHT, "sell": SOLD},
    pair=Pair("pair", f"/|{_OLD_NAMES}|{_NEW_NAMES}", "vol", worth="cost"), fee=At("fee"), is_fee_in_worth=True,
    identity="txid", names=kraken.NAMES,
)  # fmt: skip


def read(cells: Cells) -> list[Parsed]:
    """The transaction of a row. Raises `Nothing`, `WrongCell`."""
    if number(cells, "margin"):
        raise WrongCell("margin", "is a trade with borrowed money: positions are not kept")
    return _ROWS.read(cells)


FORMATS = {
    "kraken_trades": Layout(
        _COLUMNS, single(read), _ROWS.told, identity="txid", shares_names_with="kraken"
    )
}
