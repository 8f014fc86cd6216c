"""Builds records from rows of one event: balanced by sign, with all fees, in any order and number."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal, localcontext

from coinsphere.portfolio.imports.statements.record import (
    MONEY,
    Entry,
    Nothing,
    NotUnderstood,
    Record,
    Side,
)
from coinsphere.portfolio.model import EXACT, UNIT, ZERO, Kind

Sums = dict[str, Decimal]

HALF = "is one side of an exchange, whose other side is missing: it is booked as moved, without a price"
BORROWED = "is borrowed: it counts as held until it is repaid, the debt is not kept"


def moved(entry: Entry, come: Kind, go: Kind) -> Record:
    """The record of one row that was received or sent.

    A fee that was given back, which has a sign of its own, only changes how much came or left.

    Raises:
        Nothing: neither an amount nor a fee.
    """
    change, fee = entry.change, entry.fee
    if fee < 0 or not change:
        change, fee = EXACT.subtract(change, fee), ZERO
        go = go if entry.change else Kind.FEE
    if not change:
        raise Nothing("an amount of zero")
    side, paid = (entry.asset, abs(change)), (entry.asset, fee) if fee else None
    if change > 0:
        return Record(entry.name, come, entry.at, received=side, fee=paid)
    return Record(entry.name, go, entry.at, sent=side, fee=paid)


def refused(entry: Entry, reason: str) -> Record:
    """A row that is not understood, as a record with the reason."""
    side = (entry.asset, abs(entry.change))
    name = entry.name or entry.group
    if entry.change < 0:
        return Record(name, Kind.TRANSFER_OUT, entry.at, sent=side, refused=reason)
    return Record(name, Kind.TRANSFER_IN, entry.at, received=side, refused=reason)


def totals(entries: Iterable[Entry]) -> tuple[Sums, Sums]:
    """The sums of changes and of fees by asset, without those that are zero."""
    changes: Sums = defaultdict(Decimal)
    fees: Sums = defaultdict(Decimal)
    with localcontext(EXACT):
        for entry in entries:
            changes[entry.asset] += entry.change
            fees[entry.asset] += entry.fee
    return _without_zeros(changes), _without_zeros(fees)


def is_one_sided(entries: Iterable[Entry]) -> bool:
    """Whether an exchange has only one side, so that rows of the other are missing."""
    return len({entry.change > 0 for entry in entries if entry.change}) == 1


def exchanged(name: str, entries: Sequence[Entry]) -> list[Record]:
    """The records of one exchange of assets: any number for one, or one for any number.

    What stands on the one side is shared out equally among those of the other: the rows do not tell how. The whole of
    cost and proceeds is right whatever the shares, as the cost of what a swap brings is the worth of what was given.

    Raises:
        NotUnderstood: several for several.
        Nothing: no amount and no fee.
    """
    changes, fees = totals(entries)
    return balanced(name, min(entry.at for entry in entries), changes, fees)


def balanced(name: str, at: datetime, changes: Sums, fees: Sums) -> list[Record]:
    """Like `exchanged`, from sums by asset."""
    sent = sorted((asset, -change) for asset, change in changes.items() if change < 0)
    received = sorted((asset, change) for asset, change in changes.items() if change > 0)
    if len(sent) > 1 and len(received) > 1:
        raise NotUnderstood(
            "change",
            f"gives {_listed(sent)} for {_listed(received)}: it is not told which for which",
        )
    if not sent and not received and not fees:
        raise Nothing("its rows cancel each other")
    if sent and received:
        return list(_trades(name, at, (sent, received), fees))
    return list(alone(name, at, changes, fees))


def _trades(
    name: str, at: datetime, sides: tuple[list[Side], list[Side]], fees: Sums
) -> Iterator[Record]:
    sent, received = sides
    parts = max(len(sent), len(received))
    gone, come = _parts(sent, parts), _parts(received, parts)
    costs = {asset: _shares(fee, parts) for asset, fee in fees.items()}
    for at_part, (given_side, got_side) in enumerate(zip(gone, come, strict=True)):
        other = given_side[0] if len(sent) > 1 else got_side[0]
        own = name if parts == 1 else f"{name}:{other}"
        own_fees = {asset: shares[at_part] for asset, shares in costs.items()}
        yield from traded(Record(own, Kind.SWAP, at, given_side, got_side), own_fees)


def traded(record: Record, fees: Sums) -> Iterator[Record]:
    """A trade with its fees: of several, those in what it trades change how much that was."""
    assert record.sent is not None
    assert record.received is not None
    (sent_asset, sent), (received_asset, received) = record.sent, record.received
    fees = dict(fees)
    # Money is kept outside: what came back of it made the trade cheaper.
    received = EXACT.subtract(received, _money_back(received_asset, fees))
    sent = EXACT.add(sent, _money_back(sent_asset, fees))
    paid = {asset: fee for asset, fee in fees.items() if fee > 0}
    if len(paid) > 1 and paid.get(received_asset, received) < received:
        received = EXACT.subtract(received, paid.pop(received_asset))
    if len(paid) > 1 and sent_asset in paid:
        sent = EXACT.add(sent, paid.pop(sent_asset))
    first, others = sorted(paid.items())[:1], sorted(paid.items())[1:]
    fee = first[0] if first else None
    is_as_told = (sent, received) == (record.sent[1], record.received[1])
    price = record.price if is_as_told else None
    yield record._replace(
        sent=(sent_asset, sent), received=(received_asset, received), fee=fee, price=price
    )
    yield from _fees(record.native_id, record.at, dict(others))
    yield from _rebates(record.native_id, record.at, fees)


def _money_back(asset: str, fees: Sums) -> Decimal:
    """What came back of a side that is money, below zero; takes it out of `fees`."""
    is_back = asset in MONEY and fees.get(asset, ZERO) < 0
    return fees.pop(asset) if is_back else ZERO


_MOVED = (Kind.TRANSFER_IN, Kind.TRANSFER_OUT)


def alone(
    name: str, at: datetime, changes: Sums, fees: Sums, kinds: tuple[Kind, Kind] = _MOVED
) -> Iterator[Record]:
    """The record of an amount without a counterpart, which is booked as moved.

    `kinds` say otherwise: what it is where it comes, and where it goes.
    """
    left = dict(fees)
    for asset, change in sorted(changes.items()):
        own = name if len(changes) == 1 else f"{name}:{asset}"
        yield moved(Entry(own, "", at, "", asset, change, left.pop(asset, ZERO)), *kinds)
    yield from _fees(name, at, {asset: fee for asset, fee in left.items() if fee > 0})
    yield from _rebates(name, at, left)


def _fees(name: str, at: datetime, fees: Sums) -> Iterator[Record]:
    for asset, fee in sorted(fees.items()):
        yield Record(f"{name}:fee:{asset}", Kind.FEE, at, sent=(asset, fee))


def _rebates(name: str, at: datetime, fees: Sums) -> Iterator[Record]:
    back = sorted((asset, -fee) for asset, fee in fees.items() if fee < 0)
    for number, side in enumerate(back):
        own = f"{name}:rebate" if not number else f"{name}:rebate:{side[0]}"
        yield Record(own, Kind.REWARD, at, received=side)


def _parts(sides: list[Side], parts: int) -> list[Side]:
    if len(sides) == parts:
        return sides
    ((asset, amount),) = sides
    return [(asset, share) for share in _shares(amount, parts)]


def _shares(amount: Decimal, parts: int) -> list[Decimal]:
    """Equal parts, the last of which takes what rounding leaves, so that their sum is exact."""
    with localcontext(EXACT):
        share = (amount / parts).quantize(UNIT)
        return [*[share] * (parts - 1), amount - share * (parts - 1)]


def _without_zeros(sums: Sums) -> Sums:
    return {asset: total for asset, total in sums.items() if total}


def _listed(sides: Iterable[Side]) -> str:
    return " and ".join(asset for asset, _ in sides)
