"""A direction and its probability follow from the quantiles alone."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapi.predictions import distribution

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)


def quantiles(*prices: float) -> dict[float, Decimal]:
    return dict(zip(LEVELS, map(Decimal, map(str, prices)), strict=True))


EVEN = quantiles(80, 90, 100, 110, 120)


@pytest.mark.parametrize(
    ("price", "below"), list(zip((80, 90, 100, 110, 120), LEVELS, strict=True))
)
def test_at_a_quantile_the_probability_is_its_level(price: int, below: float) -> None:
    assert distribution.probability_below(EVEN, Decimal(price)) == pytest.approx(below)


def test_between_quantiles_it_is_straight_on_the_logarithmic_scale() -> None:
    middle = Decimal(str(math.sqrt(90 * 100)))
    assert distribution.probability_below(EVEN, middle) == pytest.approx(0.3)


def test_outside_nothing_more_is_known_than_the_outermost_level() -> None:
    assert distribution.probability_below(EVEN, Decimal(1)) == 0.025
    assert distribution.probability_below(EVEN, Decimal(10**6)) == 0.975


@pytest.mark.parametrize(
    ("price", "name", "probability"),
    [
        ("90", "bullish", 0.9),
        ("110", "bearish", 0.9),
        ("100", "neutral", 0.5),
        ("100.5", "neutral", 0.521),
        ("1", "bullish", 0.975),
        ("1000", "bearish", 0.975),
    ],
)
def test_directions(price: str, name: str, probability: float) -> None:
    found = distribution.direction(EVEN, Decimal(price))
    assert found.name == name
    assert found.probability == pytest.approx(probability, abs=1e-3)


def test_a_distribution_without_width_is_neutral_at_its_price() -> None:
    found = distribution.direction(quantiles(100, 100, 100, 100, 100), Decimal(100))
    assert (found.name, found.probability) == ("neutral", 0.5)


@given(
    st.lists(st.floats(0.001, 1e6), min_size=5, max_size=5).map(sorted),
    st.floats(0.001, 1e6),
)
def test_a_probability_is_one_and_never_falls_with_the_price(
    prices: list[float], at: float
) -> None:
    known = quantiles(*prices)
    low, high = (
        distribution.probability_below(known, Decimal(str(at)) * factor)
        for factor in (1, Decimal("1.01"))
    )
    assert 0.025 <= low <= high <= 0.975
    assert 0.5 <= distribution.direction(known, Decimal(str(at))).probability <= 0.975
