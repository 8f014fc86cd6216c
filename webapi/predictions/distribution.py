"""Derives the direction of a forecast and its probability from the quantiles."""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

MEANINGFUL = 0.55
"""A direction is stated from this probability on; below it, the forecast is neutral."""


@dataclass(frozen=True, slots=True)
class Direction:
    """`bullish`, `bearish` or `neutral`, and the probability of the likelier side of the price."""

    name: str
    probability: float


def direction(quantiles: Mapping[float, Decimal], price: Decimal) -> Direction:
    """The direction of the forecast against `price`.

    Args:
        quantiles: prices by probability.
        price: the price that the forecast starts from.
    """
    up = 1 - probability_below(quantiles, price)
    if up >= MEANINGFUL:
        return Direction("bullish", up)
    if 1 - up >= MEANINGFUL:
        return Direction("bearish", 1 - up)
    return Direction("neutral", max(up, 1 - up))


def probability_below(quantiles: Mapping[float, Decimal], price: Decimal) -> float:
    """The probability of a price below `price`, interpolated between quantiles on the logarithmic scale.

    Outside the outermost quantiles nothing is known but their own probability, which is then the answer.
    """
    levels = sorted(quantiles)
    logs = [math.log(quantiles[level]) for level in levels]
    at = math.log(price)
    index = bisect_left(logs, at)
    if index < len(logs) and logs[index] == at:
        return _middle(levels, logs, at)
    if index == 0:
        return levels[0]
    if index == len(logs):
        return levels[-1]
    share = (at - logs[index - 1]) / (logs[index] - logs[index - 1])
    return levels[index - 1] + share * (levels[index] - levels[index - 1])


def _middle(levels: list[float], logs: list[float], at: float) -> float:
    """The probability at a quantile; in the middle of several that coincide."""
    same = [level for level, value in zip(levels, logs, strict=True) if value == at]
    return (same[0] + same[-1]) / 2
