"""Bitfinex's reports of trades and of movements, and its ledger, which tells both again and all else.

What a row of the ledger is stands in words in its description; a trade has a row for each of its two assets, and one for its
fee, which all name the fill. Names of assets are its own, as exchange libraries translate them (ccxt's `commonCurrencies` among them). A report has the clock of the time zone set for it, which the file
does not name.
"""

import re

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.decisions import Customs
from coinsphere.portfolio.imports.formats.grouped_rows import GroupedRows
from coinsphere.portfolio.imports.formats.meanings import MOVED, SIGNED, Kinds, comes, either, goes
from coinsphere.portfolio.imports.formats.one_row import At, OneRow, Pair
from coinsphere.portfolio.imports.formats.programs.declared import declared, grouped
from coinsphere.portfolio.model import Kind

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
_LEDGER = (
    Column("#"),
    Column("DESCRIPTION", is_required=True),
    Column("CURRENCY", is_required=True),
    Column("AMOUNT", "number", is_required=True),
    Column("BALANCE", is_required=True),
    Column("DATE", "moment", is_required=True),
    Column("WALLET", is_required=True),
)
_CLOCK = Customs(has_own_clock=True)

_DESCRIPTIONS = tuple(
    (re.compile(told), kind) for told, kind in (
        (r"exchange [\d.]+ \S+ for ", "exchange"), ("trading fees? for ", "trading fee"), ("trading rebate ", "rebate"),
        ("(?:earned fees from|affiliate rebate) ", "rebate"), ("deposit fee ", "fee"), (r"deposit \(", "deposit"),
        (r"cancell?ed withdrawal (?:request )?#", "canceled withdrawal"), (".*withdrawal (?:express )?fee ", "fee"),
        (".*withdrawal #", "withdrawal"), ("(?:margin funding|interest) payment", "interest"),
        (r"staking (?:reward|payment)s? ", "staking"), (r".* distribution\b", "airdrop"),
        # To and from a sub-account, `Exchange SA(one->other)`, it changes hands.
        (r"transfer of [\d.]+ \S+ from wallet \w+ to \w+ on wallet ", "transfer"),
    )
)  # fmt: skip
_FILL = re.compile(r"(?:exchange|trading fees? for) ([\d.]+) (\S+) .*?@ ([\d.]+)", re.IGNORECASE)
"""What an exchange's rows and its fee's say alike: the amount, of what, and the price."""
LEDGER: Kinds = {
    "deposit": comes(), "withdrawal": goes(), "canceled withdrawal": comes(), "fee": either(Kind.REWARD, Kind.FEE),
    "rebate": comes(Kind.REWARD), "interest": comes(Kind.INTEREST), "staking": comes(Kind.STAKING), "airdrop": comes(Kind.AIRDROP),
    "transfer": "moved between your own wallets at Bitfinex",
}  # fmt: skip


def _described(told: str) -> str:
    """What kind of row a description tells; one that we do not know as it stands."""
    return next((kind for form, kind in _DESCRIPTIONS if form.match(told)), told)


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
    "bitfinex_ledger": grouped(
        _LEDGER,
        GroupedRows(
            OneRow(
                exchange="bitfinex", at="DATE", kind=("DESCRIPTION",), kinds=LEDGER, amount=At("AMOUNT", "CURRENCY"), identity="#",
                notes="DESCRIPTION", names=NAMES, named=_described,
            ),
            sides={"exchange": "fill", "trading fee": "fill"}, by=("DATE", "DESCRIPTION"), told={"DESCRIPTION": _FILL},
            fees=frozenset({"trading fee"}),
        ),
        _CLOCK,
    ),
}  # fmt: skip
