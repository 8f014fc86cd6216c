"""Bitfinex's reports of trades and of movements; its ledger tells both again, and is not read.

Names of assets are its own, as exchange libraries translate them (ccxt's `commonCurrencies` among them). A report has the clock of the time zone set for it, which the file
does not name.
"""

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.decisions import Customs
from coinsphere.portfolio.imports.formats.meanings import MOVED, SIGNED
from coinsphere.portfolio.imports.formats.one_row import At, OneRow, Pair
from coinsphere.portfolio.imports.formats.programs.declared import declared

NAMES = {
    "ALG": "ALGO", "AMP": "AMPL", "ATO": "ATOM", "BCHABC": "XEC", "BCHN": "BCH", "BCHSV": "BSV", "DAT": "DATA", "DSH": "DASH",
    "EDO": "PNT", "EUS": "EURS", "EUT": "EURT", "GNT": "GLM", "IDX": "ID", "IOT": "IOTA", "IQX": "IQ", "LBT": "LBTC",
    "LUNA": "LUNC", "LUNA2": "LUNA", "MNA": "MANA", "OMN": "OMNI", "QSH": "QASH", "QTM": "QTUM", "RBT": "RBTC", "SNG": "SNGLS",
    "STJ": "STORJ", "TERRAUST": "USTC", "TSD": "TUSD", "UDC": "USDC", "UST": "USDT", "VSY": "VSYS", "WAX": "WAXP", "WBT": "WBTC",
    "XCH": "XCHF", "YYW": "YOYOW",
}  # fmt: skip

_TRADES = (
    Column("#"),
    Column("PAIR", is_required=True),
    Column("AMOUNT", "number", is_required=True),
    Column("PRICE", "number", is_required=True),
    Column("FEE", "number", is_required=True),
    Column("FEE PERC", "unread", why="the fee is told as well"),
    Column("FEE CURRENCY", is_required=True),
    Column("DATE", "moment", is_required=True),
    Column("ORDER ID", "unread"),
)
_MOVEMENTS = (
    Column("#"),
    Column("STARTED", "unread", why="is when it was asked for; it is booked when it was done"),
    Column("UPDATED", "moment", also=("date",), is_required=True),
    Column("CURRENCY", is_required=True),
    Column("STATUS", is_required=True),
    Column("AMOUNT", "number", is_required=True),
    Column("FEES", "number", is_required=True),
    Column("DESCRIPTION", "unread", why="is an address"),
    Column("TRANSACTION ID", is_required=True),
    Column("NOTE"),
)
_CLOCK = Customs(has_own_clock=True)

FORMATS = {
    "bitfinex_trades": declared(
        _TRADES,
        OneRow(
            exchange="bitfinex", at="DATE", kind=(), kinds={"": SIGNED}, pair=Pair("PAIR", "[/:]", "AMOUNT", price="PRICE"),
            fee=At("FEE", "FEE CURRENCY"), fee_sign=-1, identity="#", names=NAMES,
        ),
        _CLOCK,
    ),
    "bitfinex_movements": declared(
        _MOVEMENTS,
        OneRow(
            exchange="bitfinex", at="UPDATED", kind=(), kinds={"": MOVED}, amount=At("AMOUNT", "CURRENCY"), fee=At("FEES", "CURRENCY"),
            fee_sign=-1, status="STATUS", identity="#", tx_hash="TRANSACTION ID", notes="NOTE", names=NAMES,
        ),
        _CLOCK,
    ),
}  # fmt: skip
