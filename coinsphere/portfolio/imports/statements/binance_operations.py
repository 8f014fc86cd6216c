"""The meaning of each operation in Binance's statement.

Operations: Binance's support articles "How to generate transaction history" and "Operation types", and what files of
customers hold, as the importers of BittyTax and rotki tell them: `Asset - Transfer` is how distributions were called until
2021. None is known by a part of its name.
"""

from enum import StrEnum


class Meaning(StrEnum):
    """The treatment of a row."""

    TRADE = "trade"
    FEE = "fee"
    CONVERSION = "conversion"
    MOVED = "moved"
    INSIDE = "inside"
    BOUGHT = "bought"
    SPENT = "spent"
    GIFT = "gift"
    STAKING = "staking"
    INTEREST = "interest"
    AIRDROP = "airdrop"
    REWARD = "reward"
    LOAN = "loan"
    CHARGE = "charge"
    POSITION = "position"
    UNKNOWN = "unknown"


OPERATIONS = {
    Meaning.TRADE: (
        "Buy", "Sell", "Transaction Related", "Transaction Buy", "Transaction Spend", "Transaction Sold", "Transaction Revenue",
    ),
    Meaning.FEE: ("Fee", "Transaction Fee", "BNB Fee Deduction", "BNB deducts fee", "Trading Fee", "Commission Fee"),
    Meaning.CONVERSION: (
        "Large OTC trading", "OTC trading", "Binance Convert", "Convert", "Small assets exchange BNB", "Small Assets Exchange BNB (Spot)",
        "Convert to BNB", "Stablecoins Auto-Conversion", "Token Swap - Redenomination/Rebranding", "Token Swap - Distribution", "Token Swap",
        "ETH 2.0 Staking", "ETH 2.0 Staking Withdrawals", "WBETH2.0 - Staking", "BETH Conversion", "WBETH Wrap", "WBETH Unwrap",
        "SOL Staking", "BNSOL Conversion", "Auto-Invest Transaction", "Auto-Invest Plan Buy", "Liquid Swap Buy/Sell", "Swap Farming Transaction",
        "Liquid Swap add", "Liquid Swap remove", "Liquid Swap add/sell", "Liquidity Farming Add", "Liquidity Farming Remove",
        "Leverage Token Purchase", "Leverage Token Redemption", "Leveraged Coin Consolidation", "BLVT Subscription", "BLVT Redemption",
        "Index Rebalance", "Index-Linked Plan Transaction", "RWUSD - Subscription", "RWUSD - Redemption", "BFUSD Subscription", "BFUSD Redemption",
        "Asset Conversion Transfer", "Futures Convert", "Cross Margin Liquidation - Small Assets Takeover", "SOL Staking - Purchase",
        "BETH to WBETH Wrapping", "Convert Fiat to Crypto OCBS",
    ),
    Meaning.MOVED: (
        "Deposit", "Withdraw", "Withdrawal", "Send", "Receive", "Fiat Deposit", "Fiat Withdraw", "Fiat Withdrawal", "Buy Crypto", "P2P Trading",
        "P2P - Seller Release", "P2P Transfer", "Sub-account Transfer", "Sub-Account Transfer", "Binance Pay", "Binance Pay Transfer", "Pay Transfer",
        "Crypto Box", "Internal Transfer", "Initiated Withdrawal", "Withdrawal Refund", "Withdraw Refund", "Broker Withdraw", "Merchant Acquiring",
        "Launchpad Token Distribution", "Launchpad Subscribe", "Fund Recovery", "Fiat OCBS - Add Fiat and Fees", "Send/Recieve",
        "Dual Savings Purchase", "Dual Savings Settlement", "Dual Investment Subscription", "Dual Investment Purchase",
    ),
    Meaning.INSIDE: (
        "Transfer Between Main and Funding Wallet", "Transfer Between Spot and Funding Wallet", "Main and Funding Account Transfer",
        "Transfer Between Main Account/Futures and Margin Account", "Transfer Between Spot Account and UM Futures Account",
        "Transfer Between Spot Account and CM Futures Account", "Transfer Between Spot Account and Cross Margin Account",
        "Transfer Between Spot Account and Isolated Margin Account", "Transfer Between Spot and Strategy Account",
        "Transfer Between UM Futures and Funding Account", "Transfer Between Spot Account and Options Account",
        "Transfer from Main Account to Futures Account", "Transfer from Futures Account to Main Account",
        "Transfer from Main to Margin", "Transfer from Margin to Main", "Isolated Margin Transfer", "Margin Transfer", "Futures Transfer", "futures transfer",
        "Cross Margin Transfer", "Options Transfer", "Strategy Transfer", "Spot-Futures Transfer", "transfer_in", "transfer_out",
        "Transfer Funds to Spot", "Transfer Funds to Funding Wallet", "Transfer Between Spot and Strategy",
        "Transfer Between Futures Contract Accounts", "Transfer Between Main Account And Mining Account", "Transfer Between Main And Mining Account",
        "Savings Purchase", "Savings purchase", "Savings Principal redemption", "Savings Principal Redemption", "Savings Redemption",
        "POS savings purchase", "POS savings redemption", "Staking Purchase", "Staking Redemption", "DeFi Staking Purchase", "DeFi Staking Redemption",
        "DeFi Staking Subscription", "Locked Staking Purchase", "Locked Staking Redemption", "Simple Earn Flexible Subscription",
        "Simple Earn Flexible Redemption", "Simple Earn Locked Subscription", "Simple Earn Locked Redemption", "Simple Earn Flexible Auto-Subscription",
        "On-chain Yields Subscription", "On-chain Yields Redemption", "BNB Vault Subscription", "BNB Vault Redemption", "Launchpool Subscription",
        "Launchpool Redemption", "Launchpool Subscription/Redemption", "Launchpad Freeze", "Launchpad Unfreeze",
        "Activity Saving Purchase", "Activity Saving Redemption", "Customized Fixed Purchase", "Customized Fixed Redemption",
        "Liquidity Farming Subscription", "Liquidity Farming Redemption", "Crypto Loan Collateral", "Flexible Loan - Collateral Transfer", "Pledge Transfer", "Portfolio Margin Transfer",
    ),
    Meaning.BOUGHT: ("Buy Crypto With Fiat", "Sell Crypto To Fiat", "Sell Crypto For Fiat", "Buy Crypto With Card", "Fiat OCBS - Buy", "Credit Card Buy", "Auto-Buy"),
    Meaning.SPENT: (
        "Card Purchase", "Binance Card Spending", "Card Spending", "Card Payment", "Merchant Payment", "Binance Pay Spending", "NFT Purchase",
        "NFT Transaction", "NFT Mint", "Gift Card Purchase", "Blind Box Purchase",
    ),
    Meaning.GIFT: ("Donation", "Charity Donation"),
    Meaning.STAKING: (
        "POS savings interest", "Staking Rewards", "ETH 2.0 Staking Rewards", "DeFi Staking Interest", "Locked Staking Rewards",
        "Simple Earn Locked Rewards", "DOT Slot Auction Rewards", "On-chain Yields Rewards", "SOL Staking Rewards", "BNSOL Rewards", "BETH Rewards", "Soft Staking Rewards",
    ),
    Meaning.INTEREST: (
        "Savings Interest", "Savings interest", "Savings Distribution", "Simple Earn Flexible Interest", "Simple Earn Flexible Rewards", "Simple Earn Flexible Airdrop",
        "Simple Earn Locked Interest", "Activity Saving Interest", "Customized Fixed Interest", "BNB Vault Rewards", "Launchpool Interest",
        "Launchpool Earnings Withdrawal", "Liquid Swap Rewards", "Swap Farming Rewards", "Liquidity Farming Rewards", "Dual Investment Interest",
        "Earn - Reward", "BFUSD Reward", "BFUSD Daily Reward", "BFUSD Rewards", "RWUSD - Distribution", "RWUSD - Interest", "Lending Interest", "Super BNB Mining",
    ),
    Meaning.AIRDROP: (
        "Distribution", "Airdrop Assets", "Airdrop", "HODLer Airdrops Distribution", "HODLer Airdrop", "Megadrop Rewards", "Fork",
        "Launchpool Airdrop", "Launchpool Airdrop - System Distribution", "Launchpool Airdrop - User Claim Distribution", "Launchpool Airdrop - JP Users Distribution",
        "Earn - Airdrop Distribution", "Asset - Transfer",
    ),
    Meaning.REWARD: (
        "Commission Rebate", "Commission rebate", "Commission History", "Commission Fee Shared With You", "Referral Kickback", "Referral Commission",
        "Referrer Commission", "Referrer rebates", "Referee rebates", "Cash Voucher Distribution", "Cash Voucher", "Cashback Voucher", "Card Cashback",
        "Binance Card Cashback", "Cashback", "Reward", "Rewards Distribution", "Token Reward", "Learn and Earn Reward", "Trading Fee Rebate",
        "Asset Recovery", "Trial Fund", "Mission Reward Distribution", "Mining Rewards", "Pool Distribution", "Bonus", "Launchpad Airdrop", "Gift",
        "Welcome Bonus", "New User Reward", "Campaign Reward", "Campaign Related Reward", "Campaign Rewards", "Futures Referral Rebate", "BNB Deducts Fee Rebate", "Crypto Box Reward", "Red Packet", "Insurance Fund Compensation",
        "Strategy Trading Fee Rebate", "Spot Rebate",
    ),
    Meaning.LOAN: (
        "Margin Loan", "Margin Repayment", "Cross Margin Loan", "Cross Margin Repayment", "Isolated Margin Loan", "IsolatedMargin loan",
        "Isolated Margin Repayment", "IsolatedMargin repayment", "Cross Margin Liquidation", "Isolated Margin Liquidation",
        "Cross Margin Liquidation - Forced Repayment", "Isolated Margin Liquidation - Forced Repayment", "Forced Repayment",
        "Cross Margin Liquidation - Repayment", "Crypto Loans", "Crypto Loan Repayment", "Loan Repayment",
        "Flexible Loan - Lending", "Flexible Loan - Repayment",
    ),
    Meaning.CHARGE: (
        "Margin Interest", "Auto-Margin Interest", "Cross Margin Interest", "Isolated Margin Interest", "Margin Fee", "Liquidation Fee", "Isolated Margin Liquidation - Fee",
        "Loan Interest",
    ),
    Meaning.POSITION: (
        "Realized Profit and Loss", "Realize profit and loss", "Realized PnL", "Funding Fee", "Options Premium", "Options Settlement",
    ),
}  # fmt: skip
_MEANINGS = {name.lower(): meaning for meaning, names in OPERATIONS.items() for name in names}


def meaning(operation: str) -> Meaning:
    """The meaning of an operation."""
    return _MEANINGS.get(" ".join(operation.split()).lower(), Meaning.UNKNOWN)
