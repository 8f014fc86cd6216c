"""Binance's statement (`Transaction History`): what each operation means, and which rows belong together.

Operations: Binance's support articles "How to generate transaction history" and "Operation types", and what files of
customers hold. None is known by a part of its name.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from coinsphere.portfolio.imports.statements.grouping import balanced, exchanged, moved, totals
from coinsphere.portfolio.imports.statements.record import Entry, Nothing, NotUnderstood, Record
from coinsphere.portfolio.model import EXACT, ZERO, Kind


class Meaning(StrEnum):
    """What becomes of a row."""

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
    POSITION = "position"
    UNKNOWN = "unknown"


_OPERATIONS = {
    Meaning.TRADE: (
        "Buy", "Sell", "Transaction Related", "Transaction Buy", "Transaction Spend", "Transaction Sold", "Transaction Revenue",
    ),
    Meaning.FEE: ("Fee", "Transaction Fee", "BNB Fee Deduction", "Trading Fee", "Commission Fee"),
    Meaning.CONVERSION: (
        "Large OTC trading", "OTC trading", "Binance Convert", "Convert", "Small assets exchange BNB", "Small Assets Exchange BNB (Spot)",
        "Convert to BNB", "Stablecoins Auto-Conversion", "Token Swap - Redenomination/Rebranding", "Token Swap - Distribution", "Token Swap",
        "ETH 2.0 Staking", "ETH 2.0 Staking Withdrawals", "WBETH2.0 - Staking", "BETH Conversion", "WBETH Wrap", "WBETH Unwrap",
        "SOL Staking", "BNSOL Conversion", "Auto-Invest Transaction", "Auto-Invest Plan Buy", "Liquid Swap Buy/Sell", "Swap Farming Transaction",
        "Liquid Swap add", "Liquid Swap remove", "Liquid Swap add/sell", "Liquidity Farming Add", "Liquidity Farming Remove",
        "Leverage Token Purchase", "Leverage Token Redemption", "Leveraged Coin Consolidation", "BLVT Subscription", "BLVT Redemption",
        "Index Rebalance", "Index-Linked Plan Transaction", "RWUSD - Subscription", "RWUSD - Redemption", "BFUSD Subscription", "BFUSD Redemption",
    ),
    Meaning.MOVED: (
        "Deposit", "Withdraw", "Withdrawal", "Send", "Receive", "Fiat Deposit", "Fiat Withdraw", "Fiat Withdrawal", "Buy Crypto", "P2P Trading",
        "P2P - Seller Release", "P2P Transfer", "Sub-account Transfer", "Sub-Account Transfer", "Binance Pay", "Binance Pay Transfer", "Pay Transfer",
        "Crypto Box", "Internal Transfer", "Initiated Withdrawal", "Withdrawal Refund", "Withdraw Refund", "Broker Withdraw", "Merchant Acquiring",
        "Launchpad Token Distribution", "Launchpad Subscribe", "Fund Recovery",
    ),
    Meaning.INSIDE: (
        "Transfer Between Main and Funding Wallet", "Transfer Between Spot and Funding Wallet", "Main and Funding Account Transfer",
        "Transfer Between Main Account/Futures and Margin Account", "Transfer Between Spot Account and UM Futures Account",
        "Transfer Between Spot Account and CM Futures Account", "Transfer Between Spot Account and Cross Margin Account",
        "Transfer Between Spot Account and Isolated Margin Account", "Transfer Between Spot and Strategy Account",
        "Transfer Between UM Futures and Funding Account", "Transfer Between Spot Account and Options Account",
        "Transfer from Main Account to Futures Account", "Transfer from Futures Account to Main Account",
        "Transfer from Main to Margin", "Transfer from Margin to Main", "Isolated Margin Transfer", "Margin Transfer", "Futures Transfer", "futures transfer",
        "Cross Margin Transfer", "Options Transfer", "Strategy Transfer", "Spot-Futures Transfer", "transfer_in", "transfer_out", "Asset - Transfer",
        "Savings Purchase", "Savings purchase", "Savings Principal redemption", "Savings Principal Redemption", "Savings Redemption",
        "POS savings purchase", "POS savings redemption", "Staking Purchase", "Staking Redemption", "DeFi Staking Purchase", "DeFi Staking Redemption",
        "DeFi Staking Subscription", "Locked Staking Purchase", "Locked Staking Redemption", "Simple Earn Flexible Subscription",
        "Simple Earn Flexible Redemption", "Simple Earn Locked Subscription", "Simple Earn Locked Redemption", "Simple Earn Flexible Auto-Subscription",
        "On-chain Yields Subscription", "On-chain Yields Redemption", "BNB Vault Subscription", "BNB Vault Redemption", "Launchpool Subscription",
        "Launchpool Redemption", "Launchpool Subscription/Redemption", "Launchpad Freeze", "Launchpad Unfreeze", "Dual Investment Subscription",
        "Dual Investment Purchase", "Activity Saving Purchase", "Activity Saving Redemption", "Customized Fixed Purchase", "Customized Fixed Redemption",
        "Liquidity Farming Subscription", "Liquidity Farming Redemption", "Crypto Loan Collateral", "Pledge Transfer", "Portfolio Margin Transfer",
    ),
    Meaning.BOUGHT: ("Buy Crypto With Fiat", "Buy Crypto With Card", "Fiat OCBS - Buy", "Credit Card Buy", "Auto-Buy"),
    Meaning.SPENT: (
        "Card Purchase", "Binance Card Spending", "Card Spending", "Card Payment", "Merchant Payment", "Binance Pay Spending", "NFT Purchase",
        "NFT Transaction", "NFT Mint", "Gift Card Purchase", "Blind Box Purchase",
    ),
    Meaning.GIFT: ("Donation", "Charity Donation"),
    Meaning.STAKING: (
        "POS savings interest", "Staking Rewards", "ETH 2.0 Staking Rewards", "DeFi Staking Interest", "Locked Staking Rewards",
        "Simple Earn Locked Rewards", "On-chain Yields Rewards", "SOL Staking Rewards", "BNSOL Rewards", "BETH Rewards", "Soft Staking Rewards",
    ),
    Meaning.INTEREST: (
        "Savings Interest", "Savings interest", "Simple Earn Flexible Interest", "Simple Earn Flexible Rewards", "Simple Earn Flexible Airdrop",
        "Simple Earn Locked Interest", "Activity Saving Interest", "Customized Fixed Interest", "BNB Vault Rewards", "Launchpool Interest",
        "Launchpool Earnings Withdrawal", "Liquid Swap Rewards", "Swap Farming Rewards", "Liquidity Farming Rewards", "Dual Investment Interest",
        "Earn - Reward", "BFUSD Rewards", "RWUSD - Interest", "Lending Interest", "Super BNB Mining",
    ),
    Meaning.AIRDROP: ("Distribution", "Airdrop Assets", "Airdrop", "HODLer Airdrops Distribution", "HODLer Airdrop", "Megadrop Rewards", "Fork"),
    Meaning.REWARD: (
        "Commission Rebate", "Commission rebate", "Commission History", "Commission Fee Shared With You", "Referral Kickback", "Referral Commission",
        "Referrer Commission", "Referrer rebates", "Referee rebates", "Cash Voucher Distribution", "Cash Voucher", "Cashback Voucher", "Card Cashback",
        "Binance Card Cashback", "Cashback", "Reward", "Rewards Distribution", "Token Reward", "Learn and Earn Reward", "Trading Fee Rebate",
        "Asset Recovery", "Trial Fund", "Mission Reward Distribution", "Mining Rewards", "Pool Distribution", "Bonus", "Launchpad Airdrop", "Gift",
        "Welcome Bonus", "New User Reward", "Campaign Reward", "BNB Deducts Fee Rebate", "Crypto Box Reward", "Red Packet", "Insurance Fund Compensation",
    ),
    Meaning.POSITION: (
        "Realized Profit and Loss", "Realize profit and loss", "Realized PnL", "Funding Fee", "Margin Loan", "Margin Repayment", "Isolated Margin Loan",
        "Isolated Margin Repayment", "Cross Margin Liquidation", "Isolated Margin Liquidation", "Margin Interest", "Auto-Margin Interest",
        "Crypto Loans", "Loan Repayment", "Liquidation Fee", "Options Premium", "Options Settlement",
    ),
}  # fmt: skip
_MEANINGS = {name.lower(): meaning for meaning, names in _OPERATIONS.items() for name in names}
_INCOME = {
    Meaning.STAKING: Kind.STAKING,
    Meaning.INTEREST: Kind.INTEREST,
    Meaning.AIRDROP: Kind.AIRDROP,
    Meaning.REWARD: Kind.REWARD,
}
_MOVES = {
    Meaning.MOVED: (Kind.TRANSFER_IN, Kind.TRANSFER_OUT),
    Meaning.BOUGHT: (Kind.BUY, Kind.WITHDRAWAL),
    Meaning.SPENT: (Kind.DEPOSIT, Kind.WITHDRAWAL),
    Meaning.GIFT: (Kind.REWARD, Kind.GIFT),
}
_PAIRED = frozenset({Meaning.TRADE, Meaning.FEE})
_SLOW = timedelta(seconds=2)
"""How far the rows of one trade lie apart: a fee is often taken in the next second."""


def meaning(operation: str) -> Meaning:
    """What an operation is."""
    return _MEANINGS.get(" ".join(operation.split()).lower(), Meaning.UNKNOWN)


def asset(name: str) -> str:
    """The common name of an asset."""
    return name.strip().upper()


def income(info: str) -> Kind:
    """What a distribution of the API is: it tells an operation, or words of its own like `OP airdrop`."""
    named = _INCOME.get(meaning(info))
    if named is not None:
        return named
    words = info.lower()
    if "staking" in words:
        return Kind.STAKING
    if "airdrop" in words or "distribution" in words:
        return Kind.AIRDROP
    return Kind.INTEREST if "interest" in words else Kind.REWARD


def groups(entries: Sequence[Entry]) -> list[list[int]]:
    """Which rows belong together, by their places: legs of a trade with its fees, sides of a conversion."""
    families: dict[tuple[str, str], list[int]] = defaultdict(list)
    found: list[list[int]] = []
    for place, entry in enumerate(entries):
        what = meaning(entry.kind)
        if what in _PAIRED:
            families[entry.account, "trade"].append(place)
        elif what in (Meaning.CONVERSION, Meaning.BOUGHT):
            families[entry.account, entry.kind].append(place)
        else:
            found.append([place])
    for places in families.values():
        found += _events(entries, places)
    return sorted(found)


def records(entries: Sequence[Entry]) -> list[Record]:
    """What the rows of one group mean. They have no names of their own: all have that of the first.

    Raises:
        Nothing, NotUnderstood: see there.
    """
    first = entries[0]
    what = next(
        (m for entry in entries if (m := meaning(entry.kind)) is not Meaning.FEE), Meaning.FEE
    )
    if what is Meaning.TRADE:
        return _trades(entries)
    if what is Meaning.FEE:
        return exchanged(first.name, [_as_fee(entry) for entry in entries])
    if what is Meaning.CONVERSION:
        return _converted(entries)
    if what is Meaning.INSIDE:
        raise Nothing("moved between your own accounts at Binance")
    if what is Meaning.BOUGHT and len(entries) > 1:
        return exchanged(first.name, entries)
    if what is Meaning.POSITION:
        raise NotUnderstood("kind", f"{first.kind!r}: positions and loans are not kept")
    if what is Meaning.UNKNOWN:
        raise NotUnderstood("kind", f"{first.kind[:40]!r} is no kind that we know")
    come, go = _MOVES.get(what) or (_INCOME[what], Kind.TRANSFER_OUT)
    return [moved(entry, come, go) for entry in entries]


def _converted(entries: Sequence[Entry]) -> list[Record]:
    """What went into staking alone is still held; every other side that is told alone came or left."""
    changes, _ = totals(entries)
    is_staked = entries[0].kind.lower().endswith("staking")
    if is_staked and all(change < 0 for change in changes.values()):
        raise Nothing("staked: it is still yours")
    pairs = _pairs(entries) if len(changes) > 2 else []  # noqa: PLR2004 - one for one
    if not pairs:
        return exchanged(entries[0].name, entries)
    alike: dict[frozenset[tuple[str, bool]], list[Entry]] = defaultdict(list)
    for pair in pairs:
        alike[_key(pair)] += pair
    return [record for rows in alike.values() for record in exchanged(entries[0].name, rows)]


def _as_fee(entry: Entry) -> Entry:
    return entry._replace(change=ZERO, fee=EXACT.minus(entry.change))


# Which rows belong together


class _Moment(NamedTuple):
    at: datetime
    places: list[int]


def _events(entries: Sequence[Entry], places: list[int]) -> Iterator[list[int]]:
    """Rows of one instant, joined with those of the next seconds where one lacks what the other has."""
    moments: dict[datetime, list[int]] = defaultdict(list)
    for place in places:
        moments[entries[place].at].append(place)
    event: _Moment | None = None
    for at in sorted(moments):
        rows = moments[at]
        if event and at - event.at <= _SLOW and _completes(entries, event.places, rows):
            event = _Moment(event.at, [*event.places, *rows])
            continue
        if event:
            yield event.places
        event = _Moment(at, rows)
    if event:
        yield event.places


def _completes(entries: Sequence[Entry], before: list[int], after: list[int]) -> bool:
    signs, more = _signs(entries, before), _signs(entries, after)
    if not more or not signs:
        # Fees alone, behind a trade or before it.
        return bool(signs or more)
    return len(signs) == len(more) == 1 and signs != more


def _signs(entries: Sequence[Entry], places: Iterable[int]) -> set[bool]:
    legs = (entries[place] for place in places if meaning(entries[place].kind) is not Meaning.FEE)
    return {leg.change > 0 for leg in legs if leg.change}


# Trades of one instant


def _trades(entries: Sequence[Entry]) -> list[Record]:
    """One trade, or several that the order of their rows tells apart.

    Raises:
        NotUnderstood: a leg lacks its other side, or it is not told which belong together.
    """
    legs = [entry for entry in entries if meaning(entry.kind) is Meaning.TRADE]
    changes, _ = totals(legs)
    sides = [
        sum(change < 0 for change in changes.values()),
        sum(change > 0 for change in changes.values()),
    ]
    if sides == [1, 1]:
        return _trade(entries)
    if 0 in sides:
        raise NotUnderstood(
            "kind", "a trade gives one coin and receives another: its other side is missing"
        )
    made: list[Record] = []
    for rows in _told_apart(entries):
        made += _trade(rows)
    return made


def _trade(entries: Sequence[Entry]) -> list[Record]:
    changes, _ = totals(entry for entry in entries if meaning(entry.kind) is Meaning.TRADE)
    fees = [_as_fee(entry) for entry in entries if meaning(entry.kind) is Meaning.FEE]
    return balanced(entries[0].name, min(entry.at for entry in entries), changes, totals(fees)[1])


def _told_apart(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Pairs of neighbours with opposite signs, those of the same two coins together, each with the fees beside it."""
    pairs = _pairs([entry for entry in entries if meaning(entry.kind) is Meaning.TRADE])
    if not pairs:
        raise NotUnderstood(
            "kind", "several trades in one second: it is not told which rows belong together"
        )
    trades: dict[frozenset[tuple[str, bool]], list[Entry]] = {}
    number, keys = -1, [_key(pair) for pair in pairs]
    fees_lead = meaning(entries[0].kind) is Meaning.FEE
    for entry in entries:
        if meaning(entry.kind) is Meaning.TRADE:
            number += 1
            trades.setdefault(keys[number // 2], []).append(entry)
        else:
            at = (number + 1) // 2 if fees_lead else number // 2
            trades.setdefault(keys[min(at, len(keys) - 1)], []).append(entry)
    return list(trades.values())


def _pairs(legs: Sequence[Entry]) -> list[tuple[Entry, Entry]]:
    """Neighbours with opposite signs, if all are such pairs; else none."""
    pairs = list(zip(legs[::2], legs[1::2], strict=False))
    is_told = len(legs) % 2 == 0 and all(
        (one.change > 0) != (other.change > 0) and one.asset != other.asset for one, other in pairs
    )
    return pairs if is_told else []


def _key(pair: Sequence[Entry]) -> frozenset[tuple[str, bool]]:
    return frozenset((leg.asset, leg.change > 0) for leg in pair)
