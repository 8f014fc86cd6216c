"""Binance's spot trade history: cells have their units in the form of today, the market names them in the one before."""

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.meanings import BOUGHT, SOLD
from coinsphere.portfolio.imports.formats.one_row import At, OneRow, Pair
from coinsphere.portfolio.imports.formats.programs.declared import declared

_QUOTES = (
    "USDT", "USDC", "BUSD", "TUSD", "FDUSD", "USDP", "USDS", "PAX", "DAI", "UST", "BTC", "ETH", "BNB", "TRX", "XRP", "DOGE", "EUR", "GBP",
    "AUD", "TRY", "BRL", "RUB", "UAH", "NGN", "ZAR", "PLN", "RON", "ARS", "JPY", "MXN", "CZK", "COP", "IDRT", "BIDR", "BKRW", "BVND", "VAI",
)  # fmt: skip
"""What is paid in on Binance's markets; none ends with another, so that a name is parted in one way."""
_BETWEEN = rf"(?<=.)(?=(?:{'|'.join(_QUOTES)})$)"
_KINDS = {"buy": BOUGHT, "sell": SOLD}

_TRADES = (
    Column("Date", "moment", also=("time",), is_required=True),
    Column(
        "Pair", "unread", also=("order id", "orderno"), why="the units stand beside the numbers"
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

FORMATS = {
    "binance_trades": declared(
        _TRADES,
        OneRow(
            exchange="binance", at="Date", kind=("Side",), kinds=dict(_KINDS), amount=At("Executed"), worth=At("Amount"), fee=At("Fee"),
        ),
    ),
    "binance_trades_before": declared(
        _TRADES_BEFORE,
        OneRow(
            exchange="binance", at="Date", kind=("Type",), kinds=dict(_KINDS), pair=Pair("Market", _BETWEEN, "Amount", worth="Total"),
            fee=At("Fee", "Fee Coin"),
        ),
    ),
}  # fmt: skip
