"""rotki's export of history events: rows of one event id belong together, and a column says which way each went.

Types and subtypes are those that its export writes, as far as they are known; others are refused. Times are written as its
user has set, by default with the day first and a zone.
"""

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.decisions import Customs
from coinsphere.portfolio.imports.formats.grouped_rows import GroupedRows
from coinsphere.portfolio.imports.formats.meanings import Kinds, all_of, comes, goes
from coinsphere.portfolio.imports.formats.one_row import At, OneRow
from coinsphere.portfolio.imports.formats.programs.declared import grouped
from coinsphere.portfolio.imports.formats.timestamps import Order
from coinsphere.portfolio.model import Kind

_COLUMNS = (
    Column("timestamp", "moment", is_required=True),
    Column("event_type", is_required=True),
    Column("event_subtype", is_required=True),
    Column("location", is_required=True),
    Column("location_label", "unread", why="is an address, or the name of an account"),
    Column("asset", "unread", why="is rotki's own id; the symbol is read"),
    Column("asset_symbol", is_required=True),
    Column("amount", "number", is_required=True),
    Column("fiat_value", "unread", why="the worth is that of the day's close"),
    Column("identifier", "unread", also=("entry_type", "sequence_index", "extra_data", "counterparty", "address", "product", "validator_index", "is_exit_or_blocknumber")),
    Column("event_identifier", also=("group_identifier",), is_required=True),
    Column("direction", is_required=True),
    Column("user_notes", also=("notes",)),
    Column("auto_notes", "unread", also=("block_number", "actual_group_identifier")),
    Column("tx_hash", also=("tx_ref",)),
)  # fmt: skip

_STILL_YOURS = "was locked, lent or staked and is still yours"
KINDS: Kinds = {
    **all_of(comes(), "deposit deposit asset in", "withdrawal remove asset in", "exchange transfer receive in"),
    **all_of(goes(), "deposit deposit asset out", "withdrawal remove asset out", "exchange transfer spend out"),
    **all_of(goes(Kind.FEE), "spend fee out", "deposit fee out", "withdrawal fee out", "staking fee out",
             "exchange transfer fee out", "fee out"),
    **all_of(goes(Kind.WITHDRAWAL), "spend none out", "spend out", "spend payment out"),
    **all_of(goes(Kind.GIFT), "spend donate out"),
    **all_of(comes(Kind.DEPOSIT), "receive none in", "receive in", "receive donate in"),
    **all_of(comes(Kind.REWARD), "receive reward in", "receive payment in", "receive cashback in", "receive bonus in"),
    **all_of(comes(Kind.AIRDROP), "receive airdrop in"),
    **all_of(comes(Kind.INTEREST), "receive interest in"),
    **all_of(comes(Kind.STAKING), "staking reward in", "staking mev reward in", "staking block production in", "staking none in"),
    **all_of(goes(Kind.LOST), "loss none out", "loss out", "loss hack out", "loss liquidate out"),
    **all_of(
        _STILL_YOURS, "staking deposit asset out", "staking remove asset in", "staking deposit asset neutral",
        "staking remove asset neutral", "deposit deposit asset neutral", "withdrawal remove asset neutral",
    ),
    **all_of("says something alone", *(f"informational {what} neutral" for what in ("none", "approve", "governance", "deploy", "create", "update"))),
    **all_of("moved between your own accounts", "transfer none neutral", "transfer neutral"),
}  # fmt: skip

_SIGNS = {
    f"{kind} {side}": sign
    for kind in ("trade", "migrate", "multi trade")
    for side, sign in (("spend out", -1), ("receive in", 1), ("fee out", 0))
}

FORMATS = {
    "rotki": grouped(
        _COLUMNS,
        GroupedRows(
            OneRow(
                exchange="rotki", at="timestamp", kind=("event_type", "event_subtype", "direction"), kinds=KINDS,
                amount=At("amount", "asset_symbol"), wallet="location", notes="user_notes", tx_hash="tx_hash",
            ),
            sides=dict.fromkeys(_SIGNS, "exchange"), by=("event_identifier",), signs=_SIGNS,
        ),
        Customs(Order.DMY),
    ),
}  # fmt: skip
