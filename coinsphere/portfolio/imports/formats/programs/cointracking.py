"""CoinTracking's trade table: what came (`Buy`), what left (`Sell`) and the fee, of a type.

Types are those that public tools know of its export. Times have the clock of the account's settings, which the file does not
name.
"""

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.decisions import Customs
from coinsphere.portfolio.imports.formats.meanings import TRADED, Kinds, all_of, comes, goes
from coinsphere.portfolio.imports.formats.one_row import At, OneRow
from coinsphere.portfolio.imports.formats.programs.declared import declared
from coinsphere.portfolio.imports.statements.grouping import BORROWED
from coinsphere.portfolio.model import Kind

_WORTH = "the worth is that of the day's close"
_COLUMNS = (
    Column("Type", is_required=True),
    Column("Buy", "number", also=("buy amount",), is_required=True),
    Column("Buy Cur.", also=("buy currency", "cur.buy"), is_required=True),
    Column("Sell", "number", also=("sell amount",), is_required=True),
    Column("Sell Cur.", also=("sell currency", "cur.sell"), is_required=True),
    Column("Fee", "number", also=("fee amount",)),
    Column("Fee Cur.", also=("fee currency", "cur.fee")),
    Column("Value", "unread", also=(r"(buy |sell |fee |spread )?value in [a-z]{3}( .*)?", "spread"), why=_WORTH),
    Column("Exchange", is_required=True),
    Column("Group", "unread", also=("trade group", "trade-group", "lpn", "liquidity pool", "imported from", "add date")),
    Column("Comment"),
    Column("Date", "moment", also=("trade date", "date & time"), is_required=True),
    Column("Tx-ID", also=("tx id", "txid", "tx hash")),
)  # fmt: skip

KINDS: Kinds = {
    **all_of(TRADED, "trade", "margin trade", "swap (non taxable)"),
    **all_of(comes(), "deposit"),
    **all_of(goes(), "withdrawal"),
    **all_of(comes(Kind.DEPOSIT), "gift/tip", "income (non taxable)"),
    "receive loan": comes(Kind.DEPOSIT, caution=BORROWED),
    **all_of(comes(Kind.REWARD), "income", "other income", "reward/bonus", "reward / bonus", "mining", "mining (commercial)", "minting",
             "margin profit", "derivatives / futures profit", "lp rewards"),
    **all_of(comes(Kind.AIRDROP), "airdrop", "airdrop (non taxable)"),
    **all_of(comes(Kind.STAKING), "staking", "masternode"),
    **all_of(comes(Kind.INTEREST), "interest income", "lending income", "dividends income"),
    **all_of(goes(Kind.WITHDRAWAL), "spend", "repay loan", "expense (non taxable)", "other expense"),
    **all_of(goes(Kind.GIFT), "gift", "donation"),
    **all_of(goes(Kind.LOST), "stolen", "lost", "margin loss", "derivatives / futures loss"),
    **all_of(goes(Kind.FEE), "other fee", "borrowing fee", "settlement fee", "margin fee"),
}  # fmt: skip

FORMATS = {
    "cointracking": declared(
        _COLUMNS,
        OneRow(
            exchange="cointracking", at="Date", kind=("Type",), kinds=KINDS, amount=At("Sell", "Sell Cur."), worth=At("Buy", "Buy Cur."),
            fee=At("Fee", "Fee Cur."), has_sides=True, wallet="Exchange", tx_hash="Tx-ID", notes="Comment",
        ),
        Customs(has_own_clock=True),
    ),
}  # fmt: skip
