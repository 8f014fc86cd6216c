"""Rates of return of flows that are made so that all their rates are known."""

import math
from fractions import Fraction

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from coinsphere.portfolio.performance import internal_rate

_DAYS = st.lists(st.integers(1, 40), min_size=3, max_size=3, unique=True)
_GROWTHS = st.lists(
    st.fractions(Fraction(1, 5), 5, max_denominator=10), min_size=1, max_size=3, unique=True
)


def explained_by(days: list[int], growths: list[Fraction]) -> list[Fraction]:
    """Flows, one more than growths, that are worth nothing at each of these growths a day; by Descartes' rule at no other."""
    worths = [[growth**-day for day in days] for growth in growths]
    return [(-1) ** at * _determinant(_without(worths, at)) for at in range(len(days))]


def _without(rows: list[list[Fraction]], at: int) -> list[list[Fraction]]:
    return [row[:at] + row[at + 1 :] for row in rows]


def _determinant(rows: list[list[Fraction]]) -> Fraction:
    if not rows:
        return Fraction(1)
    first, *rest = rows
    minors = [_determinant(_without(rest, at)) for at in range(len(first))]
    return sum(((-1) ** at * each * minors[at] for at, each in enumerate(first)), Fraction(0))


def found(days: list[int], flows: list[Fraction]) -> list[float]:
    times = np.array(days) / days[-1]
    largest = max(map(abs, flows))
    return internal_rate.find(times, np.array([float(each / largest) for each in flows]))


@given(_DAYS, _GROWTHS)
@example([1, 2, 3], [Fraction(100, 100), Fraction(101, 100), Fraction(102, 100)])
def test_all_rates_are_found_and_no_others(days: list[int], growths: list[Fraction]) -> None:
    days = [0, *sorted(days)[-len(growths) :]]
    flows = explained_by(days, growths)
    expected = sorted(days[-1] * math.log(growth) for growth in growths)
    rates = found(days, flows)
    assert len(rates) == len(expected)
    np.testing.assert_allclose(rates, expected, rtol=1e-3, atol=1e-3)


def test_a_rate_at_which_flows_touch_nothing_stands_twice() -> None:
    once, other = found([0, 1, 2], [Fraction(-100), Fraction(230), Fraction(-13225, 100)])
    assert once == other
    assert math.isclose(once, 2 * math.log(1.15), rel_tol=1e-6)
    assert found([0, 1, 2], [Fraction(-100), Fraction(229), Fraction(-13225, 100)]) == []
