"""Sequential analysis of experiments: results stay valid however often they are looked at. Pure.

A test of fixed size that is looked at after each user finds a difference that is not there almost surely. The mixture
sequential probability ratio test (Robbins 1970; Johari, Pekelis and Walsh, "Always valid inference", 2015) does so with
probability `alpha` at most, however often and for however long one looks. Its statistic for a difference d of rates with
variance v, over a normal mixture of effects of variance t², is

    L = sqrt(v / (v + t²)) * exp(t² d² / (2 v (v + t²)))

and the p-value is the least 1 / L so far. The interval is of the differences that the same test would not refuse now.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

Numbers: TypeAlias = NDArray[np.float64]

ALPHA = 0.05
LEAST_USERS = 100
"""Of each variant: before so many the normal approximation of a rate is no approximation, and nothing is said."""
UNSOUND = 0.001
"""A ratio of sizes that chance gives more seldom than this is a fault of the experiment, and no chance."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Users and successes of two variants, each an array over looks (the last axis); elementwise otherwise."""

    control_users: Any
    control_successes: Any
    users: Any
    successes: Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant against the control, as of now.

    Attributes:
        difference: of the rates, positive where the variant's is higher.
        lower, upper: the always-valid interval of the difference.
        p_value: always valid: it never rises, and falls to `alpha` or below by chance with probability `alpha` at most.
    """

    difference: float
    lower: float
    upper: float
    p_value: float


def compare(rates: Rates, effect: float, alpha: float = ALPHA) -> Comparison | None:
    """Compare after each look of `rates`, and report the result of the last; None while there are too few users.

    Args:
        rates: counts so far after each user, so that it does not matter who looked when.
        effect: the size of a difference that matters, as a part of 1: of that size one is found soonest.
        alpha: how often a difference that is not there may be found.
    """
    if not np.size(rates.users) or not _is_enough(rates)[-1]:
        return None
    difference, variance = (float(each[-1]) for each in _estimated(rates))
    around = _margin(variance, effect, alpha)
    p_value = 1 / max(1.0, float(np.max(ratio(rates, effect))))
    return Comparison(difference, difference - around, difference + around, p_value)


def ratio(rates: Rates, effect: float) -> Numbers:
    """The statistic L at each look; 0, which decides nothing, while there are too few users."""
    difference, variance = _estimated(rates)
    mixed = variance + effect**2
    exponent = effect**2 * difference**2 / (2 * variance * mixed)
    # Beyond 700 a float has no room, and nothing is open.
    likelihood_ratio = np.sqrt(variance / mixed) * np.exp(np.minimum(exponent, 700))
    return np.where(_is_enough(rates), likelihood_ratio, 0.0)


def sample_ratio(counts: Sequence[int], shares: Sequence[float]) -> float:
    """How often chance gives sizes at least as far from the shares as these: the chi-square test's p-value."""
    whole = sum(counts)
    if not whole or len(counts) < 2:  # noqa: PLR2004 - nothing to compare
        return 1.0
    expected = [whole * share for share in shares]
    statistic = sum((n - e) ** 2 / e for n, e in zip(counts, expected, strict=True))
    return float(special.chdtrc(len(counts) - 1, statistic))


def _estimated(rates: Rates) -> tuple[Numbers, Numbers]:
    """The difference of the rates, and its variance if there is none; half a success too many on either side of it."""
    a, b = np.maximum(rates.control_users, 1), np.maximum(rates.users, 1)
    difference = rates.successes / b - rates.control_successes / a
    pooled = (rates.control_successes + rates.successes + 0.5) / (a + b + 1)
    return difference, pooled * (1 - pooled) * (1 / a + 1 / b)


def _margin(variance: float, effect: float, alpha: float) -> float:
    mixed = variance + effect**2
    return math.sqrt(
        variance * mixed / effect**2 * (2 * math.log(1 / alpha) + math.log(mixed / variance))
    )


def _is_enough(rates: Rates) -> NDArray[np.bool_]:
    enough: NDArray[np.bool_] = np.minimum(rates.control_users, rates.users) >= LEAST_USERS
    return enough
