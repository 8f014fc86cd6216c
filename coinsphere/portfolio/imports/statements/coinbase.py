"""Coinbase: the meaning of each type of transaction, in files since 2019 and in version 2 of the API.

Types of the API: Coinbase's documentation of the Transactions resource, "Transaction types". Files write the same in words:
`Staking Income` is `staking_reward`.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from coinsphere.portfolio.imports.statements.grouping import exchanged, moved, totals
from coinsphere.portfolio.imports.statements.record import (
    MONEY,
    Entry,
    Nothing,
    NotUnderstood,
    Record,
    Side,
)
from coinsphere.portfolio.model import Kind


class Meaning(StrEnum):
    """The treatment of a row; with `comes` and `goes` the sign decides, where the file writes one."""

    BOUGHT = "bought"
    SOLD = "sold"
    FILLED = "filled"
    CONVERTED = "converted"
    COMES = "comes"
    GOES = "goes"
    INSIDE = "inside"
    FEE = "fee"
    SPENT = "spent"
    GIFT = "gift"
    LENT = "lent"
    REPAID = "repaid"
    STAKING = "staking"
    INTEREST = "interest"
    AIRDROP = "airdrop"
    REWARD = "reward"
    POSITION = "position"
    UNKNOWN = "unknown"


TYPES = {
    Meaning.BOUGHT: ("buy", "advanced trade buy", "advance trade buy", "recurring buy", "card buy back", "cardbuyback"),
    Meaning.SOLD: ("sell", "advanced trade sell", "advance trade sell"),
    Meaning.FILLED: ("advanced trade fill",),
    Meaning.CONVERTED: ("convert", "trade", "wrap asset", "unwrap asset", "asset migration", "retail simple dust", "token migration"),
    Meaning.COMES: (
        "receive", "deposit", "exchange withdrawal", "pro withdrawal", "coinbase pro withdrawal", "prime withdrawal", "fiat deposit",
        "intx withdrawal", "derivatives withdrawal", "admin credit", "unsupported asset recovery", "refund", "request", "transfer",
        "faucet withdrawal", "onchain withdrawal",
    ),
    Meaning.GOES: (
        "send", "withdrawal", "exchange deposit", "pro deposit", "coinbase pro deposit", "prime deposit", "fiat withdrawal",
        "intx deposit", "derivatives deposit", "admin debit", "clawback", "incentives shared clawback", "onchain deposit",
        "retail mgx dex send",
    ),
    Meaning.INSIDE: (
        "staking transfer", "unstaking transfer", "retail staking transfer", "retail unstaking transfer", "vault deposit", "vault withdrawal",
        "retail eth2 deprecation", "eth2 deprecation", "defi deposit", "defi withdrawal",
    ),
    Meaning.FEE: ("subscription", "fee", "coinbase fee", "coinbase one", "managed ecosystem token fee", "network fee"),
    Meaning.SPENT: ("cardspend", "card spend", "order", "paid for an order", "merchant payment", "commerce withdrawal"),
    Meaning.GIFT: ("donation",),
    Meaning.LENT: ("loan",),
    Meaning.REPAID: ("loan repayment",),
    Meaning.STAKING: ("staking reward", "staking income", "inflation reward", "staking rewards", "delegation reward"),
    Meaning.INTEREST: ("interest", "interest income", "interest payout", "usdc reward", "usdc rewards", "lending interest"),
    Meaning.AIRDROP: ("airdrop", "fork", "hard fork"),
    Meaning.REWARD: (
        "rewards income", "reward income", "learning reward", "coinbase earn", "earn payout", "incentives rewards payout", "cardspend rewards",
        "card reward", "subscription rebate", "subscription rebates", "subscription rebates (24 hours)", "retail simple price improvement",
        "referral reward", "referral bonus", "quest reward", "bonus", "rebate", "trading rebate", "gift",
    ),
    Meaning.POSITION: ("derivatives settlement", "fcm futures usdc sweep", "perpetual futures buy", "perpetual futures sell"),
}  # fmt: skip
_MEANINGS = {name: meaning for meaning, names in TYPES.items() for name in names}
_INCOME = {
    Meaning.STAKING: Kind.STAKING,
    Meaning.INTEREST: Kind.INTEREST,
    Meaning.AIRDROP: Kind.AIRDROP,
    Meaning.REWARD: Kind.REWARD,
}
_OUT = frozenset(
    {Meaning.GOES, Meaning.FEE, Meaning.SPENT, Meaning.GIFT, Meaning.SOLD, Meaning.REPAID}
)
_GIVEN = re.compile(r"\bfrom Coinbase (?:Earn|Rewards|Referral)\b", re.IGNORECASE)
_NOTE = re.compile(
    r"(?:Bought|Sold|Converted)\s+(?P<first>\S+)\s+(?P<asset>\S+)\s+(?:for|to)\s+"
    r"(?P<second>[^\s\d]*\d[\d.,]*)(?:\s+(?P<other>[A-Za-z0-9]+))?",
    re.IGNORECASE,
)


def meaning(kind: str) -> Meaning:
    """The meaning of a type, as a file or as the API writes it."""
    return _MEANINGS.get(" ".join(kind.replace("_", " ").lower().split()), Meaning.UNKNOWN)


def kind_of(kind: str, notes: str) -> str:
    """The type of a file's row: what Coinbase gave was called a receipt until 2021, and its notes tell from whom it came."""
    return "coinbase earn" if meaning(kind) is Meaning.COMES and _GIVEN.search(notes) else kind


def asset(name: str) -> str:
    """The common name of an asset; staked ETH had one of its own until 2023."""
    upper = name.strip().upper()
    return "ETH" if upper == "ETH2" else upper


def change(kind: str, quantity: Decimal) -> Decimal:
    """A file's quantity with its sign: older files write none."""
    return -abs(quantity) if meaning(kind) in _OUT else quantity


class Noted(NamedTuple):
    """What the notes of a trade say: the other side's asset, and as they write them how much of it for what quantity."""

    asset: str
    amount: str
    quantity: str


def counter(entry: Entry, notes: str) -> Noted | None:
    """The other side of a trade, fees within, where the notes name one that is no money.

    `Bought 1 ETH for 0.0402 BTC on ETH-BTC at 0.04 BTC/ETH`: the file has no row for the BTC.

    Raises:
        NotUnderstood: a conversion, or a market of two tokens, whose notes do not tell it; names `notes`.
    """
    match = _NOTE.search(notes)
    market = re.search(r"\bon\s+[A-Z0-9]+-([A-Z0-9]+)", notes)
    needs = meaning(entry.kind) is Meaning.CONVERTED or (market and market[1] not in MONEY)
    if match is None or not match["other"] or asset(match["asset"]) != entry.asset:
        if needs:
            raise NotUnderstood("notes", "do not tell the other side")
        return None
    other = asset(match["other"])
    if other in MONEY and meaning(entry.kind) is not Meaning.CONVERTED:
        return None
    return Noted(other, match["second"], match["first"])


def records(entries: Sequence[Entry]) -> list[Record]:
    """The records of one event; for a purchase, a sale or a fill only those that these lists alone tell.

    Raises:
        Nothing, NotUnderstood: see there.
    """
    first, what = entries[0], meaning(entries[0].kind)
    if what is Meaning.INSIDE:
        raise Nothing("moved between your own wallets at Coinbase")
    if what is Meaning.FILLED:
        raise Nothing("the list of fills tells it")
    if what is Meaning.CONVERTED:
        if len(entries) > 1 and not any(totals(entries)):
            raise Nothing("the same asset under another name")
        return exchanged(first.group or first.name, entries)
    if what is Meaning.POSITION:
        raise NotUnderstood("kind", f"{first.kind!r}: positions are not kept")
    if what is Meaning.UNKNOWN:
        raise NotUnderstood("kind", f"{first.kind[:40]!r} is no kind that we know")
    return [moved(entry, *_kinds(what)) for entry in entries]


def _kinds(what: Meaning) -> tuple[Kind, Kind]:
    """The kind where the amount is received, and where it is sent."""
    if what is Meaning.FEE:
        return Kind.REWARD, Kind.FEE
    if what is Meaning.GIFT:
        return Kind.REWARD, Kind.GIFT
    if what in (Meaning.SPENT, Meaning.LENT, Meaning.REPAID):
        return Kind.DEPOSIT, Kind.WITHDRAWAL
    if what in (Meaning.BOUGHT, Meaning.SOLD):
        return Kind.BUY, Kind.SELL
    return _INCOME.get(what, Kind.TRANSFER_IN), Kind.TRANSFER_OUT


def purchase(name: str, at: datetime, traded: tuple[str, Decimal], paid: Side) -> Record:
    """A purchase (`traded` above zero) or a sale for what was paid, fees within."""
    asset_traded, amount = traded
    side = (asset_traded, abs(amount))
    sent, received = (paid, side) if amount > 0 else (side, paid)
    return Record(name, Kind.SWAP, at, sent, received)
