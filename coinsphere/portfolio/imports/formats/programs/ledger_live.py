"""Ledger Live's operations: what left has the network's fee within, and what came was paid for by its sender."""

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.meanings import COSTS, Kinds, all_of, comes, goes
from coinsphere.portfolio.imports.formats.one_row import At, OneRow
from coinsphere.portfolio.imports.formats.programs.declared import declared
from coinsphere.portfolio.model import Kind

_COLUMNS = (
    Column("Operation Date", "moment", is_required=True),
    Column("Status"),
    Column("Currency Ticker", is_required=True),
    Column("Operation Type", is_required=True),
    Column("Operation Amount", "number", is_required=True),
    Column("Operation Fees", "number", is_required=True),
    Column("Operation Hash", is_required=True),
    Column("Account Name", is_required=True),
    Column("Account xpub", "unread", also=("account id",), why="is an address or a key"),
    Column("Countervalue Ticker", "unread", also=("countervalue at (operation date|csv export)",), why="the worth is that of the day's close"),
)  # fmt: skip

KINDS: Kinds = {
    "in": comes(pays=False), "out": goes(), "reward": comes(Kind.STAKING, pays=False), "reward_payout": comes(Kind.STAKING, pays=False),
    "fees": goes(Kind.FEE), "slash": goes(Kind.LOST),
    # What is staked, lent or locked is still the owner's; the network's fee is not.
    **all_of(
        COSTS, "delegate", "undelegate", "redelegate", "bond", "unbond", "withdraw_unbonded", "nominate", "chill", "freeze", "unfreeze",
        "legacy_unfreeze", "withdraw_expire_unfreeze", "vote", "lock", "unlock", "activate", "revoke", "stake", "unstake",
        "withdraw_unstaked", "reveal", "approve", "opt_in", "opt_out", "create", "nft_out",
    ),
    "nft_in": "is an NFT, which is not kept", "none": "changes no balance",
}  # fmt: skip

FORMATS = {
    "ledger_live": declared(
        _COLUMNS,
        OneRow(
            exchange="ledger", at="Operation Date", kind=("Operation Type",), kinds=KINDS, amount=At("Operation Amount", "Currency Ticker"),
            fee=At("Operation Fees", "Currency Ticker"), has_fee_within=True, status="Status", wallet="Account Name",
            tx_hash="Operation Hash",
        ),
    ),
}  # fmt: skip
