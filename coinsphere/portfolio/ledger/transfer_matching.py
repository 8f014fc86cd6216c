"""Matches outgoing with incoming transfers between own accounts, by token, amount and time. No I/O."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import NamedTuple
from uuid import UUID

from coinsphere.portfolio.model import EXACT

_CLOCKS = timedelta(minutes=5)
"""By how much two clocks differ: an arrival is no earlier, unless both ends name the same transaction."""
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")


class Transfer(NamedTuple):
    """One end of a transfer of some token, at a place of a portfolio; an exchange of None is not known.

    `tolerance` and `reach` are those of its portfolio's settings.
    """

    fact_id: UUID
    portfolio_id: UUID
    exchange: str | None
    amount: Decimal
    occurred_at: datetime
    tx_hash: str | None
    tolerance: Decimal
    reach: timedelta


Pair = tuple[UUID, UUID]
"""The ids of the outgoing and of the incoming fact."""


def match(
    outgoing: Sequence[Transfer],
    incoming: Sequence[Transfer],
    confirmed: Collection[Pair] = (),
    rejected: Collection[Pair] = (),
) -> list[Pair]:
    """Pair transfers of one token, each at most once; the pairs do not depend on the order given.

    What a user confirmed holds, what he rejected does not. Two ends with different transaction hashes are no pair, nor is
    an arrival that came first. Of the rest the nearest pair is taken first: the same hash, then least time apart, then
    least difference.

    Args:
        outgoing: transfers out; the tolerance and reach of these decide.
        incoming: transfers in; at most the amount that went out, the difference being the network's fee.
        confirmed: pairs that the user confirmed.
        rejected: pairs that the user rejected.
    """
    pairs = list(confirmed)
    taken = {fact_id for pair in pairs for fact_id in pair}
    for _, out, arrival in sorted(_candidates(outgoing, incoming, set(rejected))):
        if out not in taken and arrival not in taken:
            taken |= {out, arrival}
            pairs.append((out, arrival))
    return sorted(pairs)


def _candidates(
    outgoing: Sequence[Transfer], incoming: Sequence[Transfer], rejected: set[Pair]
) -> list[tuple[tuple[object, ...], UUID, UUID]]:
    arrivals = sorted(incoming, key=lambda transfer: transfer.occurred_at)
    pairs: list[tuple[tuple[object, ...], UUID, UUID]] = []
    start = 0
    widest = max((out.reach for out in outgoing), default=timedelta())
    for out in sorted(outgoing, key=lambda transfer: transfer.occurred_at):
        while start < len(arrivals) and arrivals[start].occurred_at < out.occurred_at - widest:
            start += 1
        for arrival in arrivals[start:]:
            if arrival.occurred_at > out.occurred_at + out.reach:
                break
            if _may_be(out, arrival) and (out.fact_id, arrival.fact_id) not in rejected:
                pairs.append((_distance(out, arrival), out.fact_id, arrival.fact_id))
    return pairs


def _may_be(out: Transfer, arrival: Transfer) -> bool:
    hashes = {_hash(end) for end in (out, arrival)} - {None}
    if len(hashes) > 1:
        return False
    is_one = None not in (_hash(out), _hash(arrival))
    if arrival.occurred_at < out.occurred_at - _CLOCKS and not is_one:
        return False
    if abs(arrival.occurred_at - out.occurred_at) > out.reach or arrival.amount > out.amount:
        return False
    is_same = out.exchange is not None and out.exchange == arrival.exchange
    if is_same and out.portfolio_id == arrival.portfolio_id:
        return False
    with localcontext(EXACT):
        return out.amount - arrival.amount <= out.tolerance * out.amount


def _hash(end: Transfer) -> str | None:
    """As it is told apart: with or without 0x, and of hexadecimal digits in either case."""
    text = (end.tx_hash or "").strip()
    digits = text.removeprefix("0x").removeprefix("0X")
    return (digits.lower() if _HEXADECIMAL.fullmatch(digits) else text) or None


def _distance(out: Transfer, arrival: Transfer) -> tuple[object, ...]:
    """Less is nearer. Ends with what was seen at each end, so that ties fall the same way in any order."""
    is_same = _hash(out) is not None and _hash(out) == _hash(arrival)
    return (
        not is_same,
        abs(arrival.occurred_at - out.occurred_at),
        out.amount - arrival.amount,
        out.occurred_at,
        arrival.occurred_at,
    )
