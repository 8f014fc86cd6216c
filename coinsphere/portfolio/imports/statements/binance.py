"""Binance's statement (`Transaction History`): groups its rows and reads their meaning."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from coinsphere.portfolio.imports.statements.binance_operations import Meaning, meaning
from coinsphere.portfolio.imports.statements.grouping import (
    BORROWED,
    HALF,
    balanced,
    exchanged,
    is_one_sided,
    moved,
    totals,
)
from coinsphere.portfolio.imports.statements.record import Entry, Nothing, NotUnderstood, Record
from coinsphere.portfolio.model import EXACT, ZERO, Kind

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
    Meaning.LOAN: (Kind.DEPOSIT, Kind.WITHDRAWAL),
    Meaning.CHARGE: (Kind.REWARD, Kind.FEE),
}
_OF_POSITIONS = frozenset({
    Meaning.POSITION, Meaning.FEE, Meaning.TRADE, Meaning.LOAN, Meaning.CHARGE, Meaning.UNKNOWN,
})  # fmt: skip
"""What a row of an account of futures or options is, beside what is moved there, converted and given."""
_PAIRED = frozenset({Meaning.TRADE, Meaning.FEE})
_LENT = ("interest", "flexible", "savings", "launchpool", "vault")
"""Words of distributions that the statement calls an interest."""
_SLOW = timedelta(seconds=2)
"""How far the rows of one trade lie apart: a fee is often taken in the next second."""


def asset(name: str) -> str:
    """The common name of an asset."""
    return name.strip().upper()


def income(info: str) -> Kind:
    """The operation of a distribution of the API, or its own words such as `OP airdrop`."""
    named = _INCOME.get(meaning(info))
    if named is not None:
        return named
    words = info.lower()
    if "staking" in words:
        return Kind.STAKING
    if "airdrop" in words or "distribution" in words:
        return Kind.AIRDROP
    return Kind.INTEREST if any(word in words for word in _LENT) else Kind.REWARD


def groups(entries: Sequence[Entry]) -> list[list[int]]:
    """The places of the rows of each event: legs of a trade with its fees, sides of a conversion.

    In an account of futures or options, all rows of a second that are no transfer.
    """
    families: dict[tuple[str, str], list[int]] = defaultdict(list)
    positions: dict[tuple[str, datetime], list[int]] = defaultdict(list)
    row_groups: list[list[int]] = []
    for place, entry in enumerate(entries):
        what = meaning(entry.kind)
        if _is_of_derivatives(entry) and what not in (Meaning.INSIDE, Meaning.CONVERSION):
            positions[entry.account, entry.at].append(place)
        elif what in _PAIRED:
            families[entry.account, "trade"].append(place)
        elif what is Meaning.CONVERSION:
            # What is converted may leave the funding account, and come to the spot account.
            families["", entry.kind].append(place)
        elif what is Meaning.BOUGHT:
            families[entry.account, entry.kind].append(place)
        else:
            row_groups.append([place])
    for places in families.values():
        row_groups += _events(entries, places)
    return sorted([*row_groups, *positions.values()])


def _is_of_derivatives(entry: Entry) -> bool:
    """Whether a row is of an account of futures or options: `USDT-Futures`, `USD-MFutures`, `UM`, `Options`."""
    account = entry.account.lower()
    return "futures" in account or not {"options", "um", "cm"}.isdisjoint(
        re.split(r"[\W_]+", account)
    )


def _position(entries: Sequence[Entry]) -> Entry | None:
    """The row, if any, that is of a position: with it go all others of its second, of which it is the reason."""
    kinds = _OF_POSITIONS if _is_of_derivatives(entries[0]) else {Meaning.POSITION}
    of_positions = [entry for entry in entries if meaning(entry.kind) in kinds]
    return next(
        (each for each in of_positions if meaning(each.kind) is Meaning.POSITION),
        next(iter(of_positions), None),
    )


def caution(entries: Sequence[Entry]) -> str | None:
    """A warning about booked rows: one side of a conversion, or a loan; None where there is none."""
    what = meaning(entries[0].kind)
    if what is Meaning.CONVERSION and is_one_sided(entries):
        return HALF
    return BORROWED if what is Meaning.LOAN and entries[0].change > 0 else None


def records(entries: Sequence[Entry]) -> list[Record]:
    """The records of one group of rows. Rows have no ids of their own: all records take that of the first.

    Raises:
        Nothing, NotUnderstood: see there.
    """
    first, position = entries[0], _position(entries)
    if position is not None:
        raise NotUnderstood("kind", f"{position.kind!r}: positions are not kept")
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
    if what is Meaning.UNKNOWN:
        raise NotUnderstood("kind", f"{first.kind[:40]!r} is no kind that we know")
    return [moved(entry, *_ways(meaning(entry.kind))) for entry in entries]


def _ways(what: Meaning) -> tuple[Kind, Kind]:
    return _MOVES.get(what) or (_INCOME[what], Kind.TRANSFER_OUT)


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
    trades: list[Record] = []
    for rows in _told_apart(entries):
        trades += _trade(rows)
    return trades


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
