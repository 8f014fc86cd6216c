"""Crypto.com: the transactions of its app, and the spot trades of its exchange, which are two accounts.

Kinds are those of the app's export as public tools know them; a swap of the app has a row for what was debited and one for
what was credited, in the same second.
"""

from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.grouped_rows import GroupedRows
from coinsphere.portfolio.imports.formats.meanings import (
    BOUGHT,
    MOVED,
    SOLD,
    Kinds,
    all_of,
    bought_for,
    comes,
    either,
    goes,
    sold_for,
)
from coinsphere.portfolio.imports.formats.one_row import At, OneRow, Pair
from coinsphere.portfolio.imports.formats.programs.declared import declared, grouped
from coinsphere.portfolio.model import Kind

_APP = (
    Column("Timestamp (UTC)", "moment", is_required=True),
    Column("Transaction Description", is_required=True),
    Column("Currency", is_required=True),
    Column("Amount", "number", is_required=True),
    Column("To Currency", is_required=True),
    Column("To Amount", "number", is_required=True),
    Column("Native Currency", is_required=True),
    Column("Native Amount", "number", is_required=True),
    Column("Native Amount (in USD)", "unread", why="the worth is that of the day's close"),
    Column("Transaction Kind", is_required=True),
    Column("Transaction Hash"),
)
_NATIVE = At("Native Amount", "Native Currency")
_STILL_YOURS = "was locked, lent or staked and is still yours"
_ORDERS = "sets money aside for an order, or gives it back"

KINDS: Kinds = {
    **all_of(
        SOLD, "crypto_exchange", "crypto_viban_exchange", "crypto_to_van_sell_order", "viban_purchase", "van_purchase",
        "recurring_buy_order", "trading.limit_order.fiat_wallet.sell_commit", "trading.limit_order.cash_account.sell_commit",
        "trading.limit_order.cash_account.purchase_commit", "trading.limit_order.fiat_wallet.purchase_commit",
        "trading.limit_order.crypto_wallet.exchange",
    ),
    **all_of(bought_for(_NATIVE), "crypto_purchase", "trading.crypto_purchase.google_pay", "trading.crypto_purchase.apple_pay"),
    "card_top_up": sold_for(_NATIVE),
    **all_of(comes(), "crypto_deposit", "exchange_to_crypto_transfer"),
    **all_of(goes(), "crypto_withdrawal", "crypto_to_exchange_transfer"),
    **all_of(MOVED, "viban_deposit", "viban_withdrawal", "viban_card_top_up", "van_deposit", "van_withdrawal"),
    "crypto_transfer": either(Kind.DEPOSIT, Kind.GIFT),
    **all_of(comes(Kind.INTEREST), "crypto_earn_interest_paid", "crypto_earn_extra_interest_paid",
             "finance.crypto_earn.loyalty_program_extra_interest_paid.crypto_wallet"),
    **all_of(comes(Kind.STAKING), "mco_stake_reward", "finance.lockup.dpos_compound_interest.crypto_wallet",
             "finance.dpos.non_compound_interest.crypto_wallet", "finance.dpos.compound_interest.crypto_wallet"),
    **all_of(
        comes(Kind.REWARD), "referral_bonus", "referral_gift", "referral_card_cashback", "transfer_cashback", "pay_checkout_reward",
        "rewards_platform_deposit_credited", "supercharger_reward_to_app_credited", "reimbursement", "gift_card_reward",
        "admin_wallet_credited", "campaign_reward", "airdrop_to_exchange_transfer",
    ),
    "crypto_payment_refund": comes(Kind.DEPOSIT),
    **all_of(goes(Kind.WITHDRAWAL), "crypto_payment", "card_cashback_reverted", "reimbursement_reverted"),
    **all_of(
        _STILL_YOURS, "crypto_earn_program_created", "crypto_earn_program_withdrawn", "lockup_lock", "lockup_unlock", "lockup_upgrade",
        "supercharger_deposit", "supercharger_withdrawal", "council_node_deposit_created", "finance.lockup.dpos_lock.crypto_wallet",
        "finance.dpos.staking.crypto_wallet", "finance.dpos.unstaking.crypto_wallet",
    ),
    **all_of(
        _ORDERS, *(
            f"trading.limit_order.{wallet}.{side}_{what}"
            for wallet in ("fiat_wallet", "cash_account", "crypto_wallet") for side in ("purchase", "sell", "fund") for what in ("lock", "unlock")
        ),
    ),
    "airdrop_locked": "is not yours yet",
    **all_of("was lent by Crypto.com until money arrived", "viban_deposit_precredit", "viban_deposit_precredit_repayment"),
}  # fmt: skip

_SWAPS = (
    "dust_conversion",
    "dynamic_coin_swap",
    "interest_swap",
    "crypto_wallet_swap",
    "lockup_swap",
)
_EXCHANGE = (
    Column("Account Type", "unread", why="is that of spot trading"),
    Column("Order ID", "unread", why="an order that was filled in parts has several rows"),
    Column("Trade ID", is_required=True),
    Column("Create Time (UTC)", "moment", is_required=True),
    Column("Instrument Name", also=("symbol", "instrument"), is_required=True),
    Column("Side", is_required=True),
    Column("Liquidity Indicator", "unread"),
    Column("Traded Quantity", "number", is_required=True),
    Column("Traded Price", "number", is_required=True),
    Column("Fees", "number", also=("fee",), is_required=True),
    Column("Fee Instrument Name", also=("fee currency",), is_required=True),
    Column("Margin Order", "unread"),
)

FORMATS = {
    "crypto_com_app": grouped(
        _APP,
        GroupedRows(
            OneRow(
                exchange="crypto.com app", at="Timestamp (UTC)", kind=("Transaction Kind",), kinds=KINDS, amount=At("Amount", "Currency"),
                worth=At("To Amount", "To Currency"), notes="Transaction Description", tx_hash="Transaction Hash",
            ),
            sides={f"{family}_{way}": family for family in _SWAPS for way in ("debited", "credited")}, by=("Timestamp (UTC)",),
            signs={f"{family}_{way}": sign for family in _SWAPS for way, sign in (("debited", -1), ("credited", 1))},
        ),
    ),
    "crypto_com_exchange": declared(
        _EXCHANGE,
        OneRow(
            exchange="crypto.com", at="Create Time (UTC)", kind=("Side",), kinds={"buy": BOUGHT, "sell": SOLD},
            pair=Pair("Instrument Name", "[_/]", "Traded Quantity", price="Traded Price"), fee=At("Fees", "Fee Instrument Name"),
            identity="Trade ID",
        ),
    ),
}  # fmt: skip
