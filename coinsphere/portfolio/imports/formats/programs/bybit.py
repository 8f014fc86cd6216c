"""Bybit's changes of assets: of the unified trading account, and of the funding account.

A spot trade of the unified account has a row for each of its two assets, whose change has the fee taken off.
"""

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.grouped_rows import GroupedRows
from coinsphere.portfolio.imports.formats.meanings import Kinds, all_of, comes, either, goes
from coinsphere.portfolio.imports.formats.one_row import At, OneRow
from coinsphere.portfolio.imports.formats.programs.declared import declared, grouped
from coinsphere.portfolio.model import Kind

_INSIDE = "moved between your own accounts at Bybit"
_UNIFIED = (
    Column("Uid", "unread", why="names the account holder"),
    Column("Currency", is_required=True),
    Column("Contract", is_required=True),
    Column("Type", is_required=True),
    Column("Direction", is_required=True),
    Column("Quantity", "unread", also=("position", "cash flow"), why="the change tells it as well"),
    Column("Filled Price", is_required=True),
    Column("Funding", "unread", why="is that of a position"),
    Column("Fee Paid", "number", is_required=True),
    Column("Change", "number", is_required=True),
    Column("Wallet Balance", "unread", why="follows from the changes"),
    Column("Action", is_required=True),
    Column("OrderId", "unread", also=("order id",)),
    Column("TradeId", "unread", also=("trade id", "fee rate")),
    Column("Time(UTC)", "moment", also=("time",), is_required=True),
)  # fmt: skip
_FUNDING = (
    Column("Uid", "unread", why="names the account holder"),
    Column("Date & Time(UTC)", "moment", is_required=True),
    Column("Coin", is_required=True),
    Column("QTY", "number", is_required=True),
    Column("Type", is_required=True),
    Column("Account Balance", "unread", why="follows from the changes"),
    Column("Description", is_required=True),
)

UNIFIED: Kinds = {
    **all_of(_INSIDE, "transfer_in --", "transfer_out --", "transfer_in", "transfer_out"),
    **all_of(either(Kind.INTEREST, Kind.FEE), "interest --", "interest"),
    **all_of(comes(Kind.AIRDROP), "airdrop --", "airdrop"),
    **all_of(comes(Kind.REWARD), "bonus --", "fee_refund --", "bonus", "fee_refund"),
}
FUNDING: Kinds = {
    "deposit": comes(), **all_of(goes(), "withdraw", "withdrawal"),
    **all_of(comes(Kind.REWARD), "rewards", "bonus"), "airdrop": comes(Kind.AIRDROP),
    **all_of(_INSIDE, "transfer in", "transfer out"),
}  # fmt: skip

FORMATS = {
    "bybit_unified": grouped(
        _UNIFIED,
        GroupedRows(
            OneRow(
                exchange="bybit", at="Time(UTC)", kind=("Type", "Action"), kinds=UNIFIED, amount=At("Change", "Currency"),
                fee=At("Fee Paid", "Currency"), fee_sign=-1,
            ),
            # What is traded without a position has no action; opening and closing one is refused.
            sides={"trade --": "spot", "trade": "spot"}, by=("Time(UTC)", "Contract", "Direction", "Filled Price"), is_net=True,
        ),
    ),
    "bybit_funding": declared(
        _FUNDING,
        OneRow(
            exchange="bybit", at="Date & Time(UTC)", kind=("Type",), kinds=FUNDING, amount=At("QTY", "Coin"), notes="Description",
        ),
    ),
}  # fmt: skip
