"""OKX's histories of trading and of funding. Their first line names the zone of their times: `UID:…,Time Zone:UTC+8`.

A spot trade has a row for each of its two assets, with the change of its balance, fee included; an order that was filled in
parts has several such pairs in one second, which are one exchange.
"""

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.decisions import Customs
from coinsphere.portfolio.imports.formats.grouped_rows import GroupedRows
from coinsphere.portfolio.imports.formats.meanings import Kinds, all_of, comes, goes
from coinsphere.portfolio.imports.formats.one_row import At, OneRow
from coinsphere.portfolio.imports.formats.programs.declared import declared, grouped
from coinsphere.portfolio.model import Kind

_INSIDE = "moved between your own accounts at OKX"
_CLOCK = Customs(has_own_clock=True)
_TRADING = (
    Column("id", "unread"),
    Column("Order id", is_required=True),
    Column("Time", "moment", is_required=True),
    Column("Trade Type", is_required=True),
    Column("Symbol", "unread", also=("instrument",), why="the two assets have a row each"),
    Column("Action", also=("type",), is_required=True),
    Column("Amount", "unread", also=("trading unit", "amount unit"), why="the change of the balance tells it as well"),
    Column("Filled Price", "unread", also=("filled unit",), why="follows from the two rows of a trade"),
    Column("PnL", "unread", also=("pl",)),
    Column("Fee", "number", is_required=True),
    Column("Fee Unit"),
    Column("Position Change", "unread", also=("position balance", "position unit")),
    Column("Balance Change", "number", is_required=True),
    Column("Balance", "unread", why="two accounts have one each"),
    Column("Balance Unit", is_required=True),
)  # fmt: skip
_FUNDING = (
    Column("id"),
    Column("Time", "moment", is_required=True),
    Column("Type", is_required=True),
    Column("Amount", "number", is_required=True),
    Column("Before Balance", "unread", also=("after balance",), why="follows from the amounts"),
    Column("After Balance", "unread", is_required=False, why="follows from the amounts"),
    Column("Fee", "number"),
    Column("Symbol", is_required=True),
    Column("Worth", "unread", also=(r"amount-[a-z]{3}",), why="the worth is that of the day's close"),
)  # fmt: skip

FUNDING: Kinds = {
    **all_of(comes(), "deposit", "received"),
    **all_of(goes(), "withdrawal", "sent"),
    **all_of(comes(Kind.STAKING), "staking yield", "on-chain earn yield"),
    **all_of(comes(Kind.INTEREST), "savings yield", "simple earn yield", "interest"),
    **all_of(comes(Kind.REWARD), "fee rebate", "rewards", "distribution", "referral reward"),
    "airdrop": comes(Kind.AIRDROP),
    **all_of(
        _INSIDE, "from unified trading account", "to unified trading account", "from trading account", "to trading account",
        "transfer in", "transfer out",
    ),
    **all_of(
        "was staked or lent and is still yours", "stake", "redeem staking", "savings subscription", "savings redemption",
        "simple earn subscription", "simple earn redemption",
    ),
}  # fmt: skip

FORMATS = {
    "okx_trading": grouped(
        _TRADING,
        GroupedRows(
            OneRow(
                exchange="okx", at="Time", kind=("Trade Type", "Action"),
                kinds=all_of(_INSIDE, "transfer transfer in", "transfer transfer out"),
                amount=At("Balance Change", "Balance Unit"), fee=At("Fee", "Balance Unit"), fee_sign=-1,
            ),
            sides={"spot buy": "spot", "spot sell": "spot"}, by=("Order id", "Time"), is_net=True,
        ),
        _CLOCK,
    ),
    "okx_funding": declared(
        _FUNDING,
        OneRow(
            exchange="okx", at="Time", kind=("Type",), kinds=FUNDING, amount=At("Amount", "Symbol"), fee=At("Fee", "Symbol"), identity="id",
        ),
        _CLOCK,
    ),
}  # fmt: skip
