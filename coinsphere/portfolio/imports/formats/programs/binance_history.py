"""Binance's histories: spot trades, of which cells have their units today and the market names them before; conversions; moves.

Deposits and withdrawals of before 2024 have one header, and only the file's name tells which they are: those need a mapping.
"""

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.layout import Layout, single
from coinsphere.portfolio.imports.formats.meanings import (
    BOUGHT,
    SOLD,
    TRADED,
    Kinds,
    comes,
    goes,
)
from coinsphere.portfolio.imports.formats.one_row import At, OneRow, Pair
from coinsphere.portfolio.imports.formats.programs.declared import declared
from coinsphere.portfolio.imports.formats.row import Cells, Parsed, Row, reading, text, unit

_QUOTES = (
    "USDT", "USDC", "BUSD", "TUSD", "FDUSD", "USDP", "USDS", "PAX", "DAI", "UST", "BTC", "ETH", "BNB", "TRX", "XRP", "DOGE", "EUR", "GBP",
    "AUD", "TRY", "BRL", "RUB", "UAH", "NGN", "ZAR", "PLN", "RON", "ARS", "JPY", "MXN", "CZK", "COP", "IDRT", "BIDR", "BKRW", "BVND", "VAI",
)  # fmt: skip
"""What is paid in on Binance's markets; none ends with another, so that a name is parted in one way."""
_BETWEEN = rf"(?<=.)(?=(?:{'|'.join(_QUOTES)})$)"
_KINDS: Kinds = {"buy": BOUGHT, "sell": SOLD}

_TRADES = (
    Column("Date", "moment", also=("time",), is_required=True),
    Column("Pair"),
    Column(
        "Order ID",
        "unread",
        also=("orderno",),
        why="an order that was filled in parts has several rows",
    ),
    Column("Side", is_required=True),
    Column("Price", "unread", why="is the amount of one, which the amount tells exactly"),
    Column("Executed", "number", is_required=True),
    Column("Amount", "number", is_required=True),
    Column("Fee", "number", is_required=True),
)
_TRADES_BEFORE = (
    Column("Date", "moment", is_required=True),
    Column("Market", is_required=True),
    Column("Type", is_required=True),
    Column("Price", "unread", why="is the total of one, which the total tells exactly"),
    Column("Amount", "number", is_required=True),
    Column("Total", "number", is_required=True),
    Column("Fee", "number", is_required=True),
    Column("Fee Coin", is_required=True),
)
_CONVERSIONS = (
    Column("Date", "moment", is_required=True),
    Column("Wallet", "unread", why="all wallets of one exchange are one account"),
    Column("Pair", "unread", why="the units stand beside the numbers"),
    Column("Type", "unread", why="is market or limit"),
    Column("Sell", "number", is_required=True),
    Column("Buy", "number", is_required=True),
    Column("Price", "unread", also=("inverse price",), why="follows from what was sold and bought"),
    Column("Date Updated", "unread", why="is when its status changed"),
    Column("Status", is_required=True),
)
_DEPOSITS = (
    Column("Date", "moment", header="Date(UTC+0)", is_required=True),
    Column("Coin", is_required=True),
    Column("Network", "unread", why="is the chain"),
    Column("Amount", "number", is_required=True),
    Column("Address", "unread", why="is an address"),
    Column("TXID", is_required=True),
    Column("Status", is_required=True),
)
_WITHDRAWALS = (*_DEPOSITS, Column("Fee", "number", is_required=True))
_MOVE = {
    "exchange": "binance", "at": "Date", "kind": (), "amount": At("Amount", "Coin"), "status": "Status", "tx_hash": "TXID",
}  # fmt: skip
_TRADE_ROWS = OneRow(
    exchange="binance", at="Date", kind=("Side",), kinds=_KINDS, amount=At("Executed"), worth=At("Amount"), fee=At("Fee"),
)  # fmt: skip


def _trade(cells: Cells) -> list[Parsed]:
    """The transaction of a row; the market tells where a number ends: `10.01INCH` on 1INCHUSDT is 10.0 of 1INCH."""
    market, quote = text(cells, "Pair") or "", unit(cells, "Amount") or ""
    base = market.upper().removesuffix(quote)
    if not quote or base == market.upper():
        return _TRADE_ROWS.read(cells)
    apart = {column: _apart(cells[column].strip(), base) for column in ("Executed", "Fee")}
    return _TRADE_ROWS.read(Row({**cells, **apart}, reading(cells)))


def _apart(cell: str, asset: str) -> str:
    """A number and its unit with a space between."""
    is_of = cell.upper().endswith(asset)
    return f"{cell[: -len(asset)].rstrip()} {asset}" if is_of else cell


FORMATS = {
    "binance_trades": Layout(_TRADES, single(_trade), _TRADE_ROWS.told),
    "binance_trades_before": declared(
        _TRADES_BEFORE,
        OneRow(
            exchange="binance", at="Date", kind=("Type",), kinds=_KINDS, pair=Pair("Market", _BETWEEN, "Amount", worth="Total"),
            fee=At("Fee", "Fee Coin"),
        ),
    ),
    "binance_conversions": declared(
        _CONVERSIONS,
        OneRow(exchange="binance", at="Date", kind=(), kinds={"": TRADED}, amount=At("Sell"), worth=At("Buy"), has_sides=True, status="Status"),
    ),
    "binance_deposits": declared(_DEPOSITS, OneRow(kinds={"": comes()}, **_MOVE)),  # type: ignore[arg-type]
    "binance_withdrawals": declared(
        _WITHDRAWALS, OneRow(kinds={"": goes()}, fee=At("Fee", "Coin"), **_MOVE)  # type: ignore[arg-type]
    ),
}  # fmt: skip
