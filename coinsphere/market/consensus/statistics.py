"""Medians, distances and weights in exact decimals, so that everyone gets the same digits."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise

BASIS_POINTS = 10_000
_FURTHEST = Decimal(10) ** 9
_WEIGHT = Decimal("0.000001")


def apart(one: Decimal, other: Decimal) -> Decimal:
    """The distance of two positive prices in basis points of the lower: the same whichever is named first, and bounded."""
    low, high = sorted((one, other))
    return min((high / low - 1) * BASIS_POINTS, _FURTHEST)


def median(values: Iterable[Decimal]) -> Decimal:
    """The middle value, or the mean of the two in the middle.

    Raises:
        ValueError: there are none.
    """
    return quantile([(value, Decimal(1)) for value in values], Decimal("0.5"))


def quantile(points: Iterable[tuple[Decimal, Decimal]], share: Decimal) -> Decimal:
    """The value up to which `share` of all weight lies, between two of them their mean.

    Args:
        points: values, each with a positive weight.
        share: from 0 to 1, both excluded.

    Raises:
        ValueError: there are none.
    """
    ordered = sorted(points)
    wanted = share * sum(weight for _, weight in ordered)
    reached = Decimal(0)
    for (value, weight), (following, _) in pairwise(ordered):
        reached += weight
        if reached > wanted:
            return value
        if reached == wanted:
            return (value + following) / 2
    if not ordered:
        raise ValueError("no value has no median")
    return ordered[-1][0]


def weights(volumes: Sequence[Decimal | None], noises: Sequence[Decimal]) -> list[Decimal]:
    """Weights that sum to 1 within rounding: the mean of the share in the volume and in the inverse squared noise.

    So Coin Metrics weighs its markets; here no minority of venues may hold half of all weight, however large.

    Args:
        volumes: each at least zero; an unknown one counts as the smallest that is known.
        noises: usual distances from the consensus in bp; less than one counts as one.
    """
    known = [volume for volume in volumes if volume is not None]
    least = min(known, default=Decimal(1))
    traded = _shares([least if volume is None else volume for volume in volumes])
    steady = _shares([1 / max(noise, Decimal(1)) ** 2 for noise in noises])
    mean = [(one + other) / 2 for one, other in zip(traded, steady, strict=True)]
    return [weight.quantize(_WEIGHT) for weight in _capped(mean, _cap(len(mean)))]


def _shares(values: Sequence[Decimal]) -> list[Decimal]:
    total = sum(values)
    return [value / total if total else Decimal(1) / len(values) for value in values]


def _cap(count: int) -> Decimal:
    """The largest share that leaves the largest minority under half."""
    minority = (count - 1) // 2
    return 1 / (2 * minority + Decimal("0.5"))


def _capped(shares: Sequence[Decimal], cap: Decimal) -> list[Decimal]:
    """Shares of which none exceeds `cap`, where that leaves room; what is cut goes to the others by their size."""
    full: set[int] = set()
    while True:
        left = sum(share for place, share in enumerate(shares) if place not in full)
        room = 1 - cap * len(full)
        cut_shares = [
            cap
            if place in full
            else share * room / left
            if left
            else room / (len(shares) - len(full))
            for place, share in enumerate(shares)
        ]
        over = {place for place, share in enumerate(cut_shares) if share > cap}
        if not over:
            return cut_shares
        full |= over
