"""Kraken's ledger: the meaning of each type and subtype of a row, and the common names of its assets.

Types and subtypes: Kraken's documentation of `Get Ledgers Info` and its support article "How to interpret Ledger
history fields". Names of assets: `Get Asset Info`, where a name of its own differs from the alternative one.
"""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum

from coinsphere.portfolio.imports.statements.grouping import (
    HALF,
    exchanged,
    is_one_sided,
    moved,
    totals,
)
from coinsphere.portfolio.imports.statements.record import Entry, Nothing, NotUnderstood, Record
from coinsphere.portfolio.model import EXACT, ZERO, Kind

NAMES = {
    **{
        f"X{name}": name
        for name in ("DAO", "ETC", "ETH", "ICN", "LTC", "MLN", "NMC", "XLM", "XMR", "XRP", "XVN", "ZEC")
    },
    **{f"Z{name}": name for name in ("ARS", "AUD", "CAD", "CHF", "CLP", "COP", "DKK", "EUR", "GBP", "JPY", "KRW", "MXN", "PLN", "SEK", "USD", "VND")},
    "XXBT": "BTC", "XBT": "BTC", "XXDG": "DOGE", "XDG": "DOGE", "ETH2": "ETH", "XREP": "REPV1", "REP": "REPV1", "REPV2": "REP",
    "LUNA": "LUNC", "LUNA2": "LUNA", "UST": "USTC",
}  # fmt: skip
"""Every other name is the common one: ZRX, ZETA and XTZ begin like that and are none of these."""

_CREDITS = frozenset({"KFEE", "FEE"})
"""Fee credits: no asset that can be held or sold."""

_SUFFIX = re.compile(r"\.(?:S|M|F|B|P|HOLD|T)$")
_BOND = re.compile(r"(?<=[A-Z])(?:0[1-9]|[12]\d)$")
"""Days of a bonding period, `SOL03.S`, a month at most; `C98` is a coin."""


class Meaning(StrEnum):
    """The treatment of a row."""

    EXCHANGE = "exchange"
    MOVED = "moved"
    INSIDE = "inside"
    FEE = "fee"
    STAKING = "staking"
    INTEREST = "interest"
    AIRDROP = "airdrop"
    REWARD = "reward"
    SPENT = "spent"
    UNKNOWN = "unknown"


TYPES = {
    "trade": Meaning.EXCHANGE, "spend": Meaning.EXCHANGE, "receive": Meaning.EXCHANGE, "sale": Meaning.EXCHANGE,
    "conversion": Meaning.EXCHANGE,
    "deposit": Meaning.MOVED, "withdrawal": Meaning.MOVED, "custodytransfer": Meaning.MOVED,
    "rollover": Meaning.FEE, "nftcreatorfee": Meaning.FEE,
    "staking": Meaning.STAKING, "dividend": Meaning.INTEREST, "airdrop": Meaning.AIRDROP,
    "reward": Meaning.REWARD, "credit": Meaning.REWARD, "adjustment": Meaning.REWARD, "nftrebate": Meaning.REWARD,
    "invite bonus": Meaning.REWARD, "invite_bonus": Meaning.REWARD, "referral": Meaning.REWARD, "rebate": Meaning.REWARD,
    "nfttrade": Meaning.SPENT, "nft": Meaning.SPENT,
    "reserve": Meaning.INSIDE,
    # With these the subtype decides; without one:
    "transfer": Meaning.AIRDROP, "earn": Meaning.STAKING,
}  # fmt: skip
SUBTYPES = {
    **{
        ("transfer", subtype): Meaning.INSIDE
        for subtype in (
            "spottostaking", "stakingfromspot", "stakingtospot", "spotfromstaking", "spottofutures", "spotfromfutures",
            "futurestospot", "futuresfromspot", "spottospot", "spotfromspot",
        )
    },
    **{
        ("earn", subtype): Meaning.INSIDE
        for subtype in ("allocation", "deallocation", "autoallocation", "autodeallocation", "migration")
    },
    ("earn", "reward"): Meaning.STAKING, ("earn", "bonus"): Meaning.REWARD, ("earn", "airdrop"): Meaning.AIRDROP,
    ("transfer", "airdrop"): Meaning.AIRDROP, ("transfer", "fork"): Meaning.AIRDROP, ("transfer", "delistingconversion"): Meaning.EXCHANGE,
}  # fmt: skip
_INCOME = {
    Meaning.STAKING: Kind.STAKING,
    Meaning.INTEREST: Kind.INTEREST,
    Meaning.AIRDROP: Kind.AIRDROP,
    Meaning.REWARD: Kind.REWARD,
}
_OF_POSITIONS = frozenset({"margin", "settled"})


def require_currency(asset_class: str) -> None:
    """Refuse a row of a stock or an NFT, whose name may equal that of a coin.

    Raises:
        NotUnderstood: its class is told, and is none of currencies; those of coins and of money are one.
    """
    if asset_class.lower() not in {"", "currency"}:
        raise NotUnderstood("class", f"is {asset_class!r}: currencies alone are booked")


def asset(name: str) -> str:
    """The common name of one of Kraken's assets; a staked, bonded or held one is the asset itself."""
    upper = name.strip().upper()
    plain = _SUFFIX.sub("", upper)
    if plain != upper:
        plain = _BOND.sub("", plain)
    return NAMES.get(plain, plain)


def is_held(name: str) -> bool:
    """Whether it is a real asset, and no fee credit."""
    return asset(name) not in _CREDITS


def meaning(kind: str, subtype: str = "") -> Meaning:
    """The meaning of a row of that type and subtype."""
    kind, subtype = kind.strip().lower(), subtype.strip().lower()
    if subtype and kind in ("transfer", "earn"):
        return SUBTYPES.get((kind, subtype), Meaning.UNKNOWN)
    return TYPES.get(kind, Meaning.UNKNOWN)


def key(entry: Entry) -> str:
    """The key that rows of one event share; rows of the same `refid` may be several events."""
    family = meaning(entry.kind, entry.subtype)
    is_joint = family in (Meaning.EXCHANGE, Meaning.MOVED, Meaning.INSIDE)
    is_move = entry.kind == "transfer" or (entry.kind, family) == ("earn", Meaning.UNKNOWN)
    if not is_joint and not is_move:
        return f"row {entry.name}"
    joint = Meaning.INSIDE if entry.kind in ("transfer", "earn") else family
    return f"{joint} {entry.group or entry.name}"


def caution(entries: Sequence[Entry]) -> str | None:
    """A warning about booked rows that are one side of an exchange; None where there is none."""
    booked = [entry for entry in entries if entry.asset not in _CREDITS]
    is_exchange = meaning(entries[0].kind, entries[0].subtype) is Meaning.EXCHANGE
    return HALF if is_exchange and is_one_sided(booked) else None


def records(entries: Sequence[Entry]) -> list[Record]:
    """The records of the rows of one event.

    Raises:
        Nothing, NotUnderstood: see there.
    """
    first = entries[0]
    booked = [entry for entry in entries if entry.asset not in _CREDITS]
    if not booked:
        raise Nothing("fee credits are no asset")
    family = meaning(first.kind, first.subtype)
    if family is Meaning.UNKNOWN and not _is_inside(booked):
        raise _unknown(first)
    if family is Meaning.EXCHANGE:
        return exchanged(first.group or first.name, booked)
    if family is Meaning.MOVED:
        return _transfers(booked)
    if family is Meaning.INSIDE or _is_inside(booked):
        return _inside(booked)
    return [_single(entry, family) for entry in booked]


def _unknown(entry: Entry) -> NotUnderstood:
    if entry.kind in _OF_POSITIONS:
        return NotUnderstood("kind", f"{entry.kind!r}: gains and losses of positions are not kept")
    if entry.kind in TYPES:
        return NotUnderstood(
            "subtype", f"{entry.subtype[:40]!r} is no subtype of {entry.kind} that we know"
        )
    return NotUnderstood("kind", f"{entry.kind[:40]!r} is no kind that we know")


def _is_inside(entries: Iterable[Entry]) -> bool:
    """Whether rows of both signs belong together: then something changed its place or its name."""
    return len({entry.change > 0 for entry in entries if entry.change}) > 1


def _inside(entries: Sequence[Entry]) -> list[Record]:
    """Moves between wallets at Kraken: nothing, unless another asset came out of it, as when a token migrates."""
    is_whole = _is_inside(entries)
    left = [entry if is_whole else entry._replace(change=ZERO) for entry in entries]
    if not any(totals(left)):
        raise Nothing("moved between your own wallets at Kraken")
    return exchanged(entries[0].group or entries[0].name, left)


def _transfers(entries: Sequence[Entry]) -> list[Record]:
    """Deposits and withdrawals; one that came back takes its counterpart with it, fee and all."""
    left: list[Entry] = []
    for entry in sorted(entries, key=lambda each: (each.at, each.name)):
        back = next((each for each in left if _reverses(entry, each)), None)
        if back is None:
            left.append(entry)
            continue
        left.remove(back)
        kept = ZERO if _net(entry) == -_net(back) else back.fee + entry.fee
        if kept:
            left.append(back._replace(change=ZERO, fee=kept))
    transfers = [
        moved(each, Kind.TRANSFER_IN, Kind.TRANSFER_OUT) for each in left if each.change or each.fee
    ]
    if not transfers:
        raise Nothing("it came back")
    return transfers


def _reverses(entry: Entry, other: Entry) -> bool:
    """Whether it gives back what the other took: the amount, or the amount with its fee."""
    same = (entry.kind, entry.asset) == (other.kind, other.asset) and bool(entry.change)
    return same and (entry.change == -other.change or _net(entry) == -_net(other))


def _net(entry: Entry) -> Decimal:
    return EXACT.subtract(entry.change, entry.fee)


def _single(entry: Entry, family: Meaning) -> Record:
    if family is Meaning.FEE:
        return moved(entry, Kind.REWARD, Kind.FEE)
    if family is Meaning.SPENT:
        return moved(entry, Kind.DEPOSIT, Kind.WITHDRAWAL)
    return moved(entry, _INCOME[family], Kind.TRANSFER_OUT)
