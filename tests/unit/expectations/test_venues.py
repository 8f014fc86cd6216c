"""How far a close may be from what the other venues said: properties of the measure."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.frames import venues

PRICES = st.floats(1e-9, 1e9)
NOISES = st.floats(0, 1_000)


def gap(
    close: float, told: float, noise: float = 0.0, move: float = 0.0, count: float = 3
) -> float:
    frame = pd.DataFrame(
        {"close": [close], "told_close": [told], "told_noise": [noise], "usual_move": [move]}
    )
    return float(venues.gap(frame.assign(told_venues=count)).iloc[0])


@given(PRICES, PRICES, NOISES, NOISES)
def test_it_is_the_same_whichever_is_named_first_and_in_any_unit(close, told, noise, move) -> None:
    found = gap(close, told, noise, move)
    assert found == pytest.approx(gap(told, close, noise, move))
    assert found == pytest.approx(gap(close * 1024, told * 1024, noise, move))
    assert found >= 0


@given(PRICES, st.floats(-0.0049, 0.0049), NOISES, NOISES)
def test_what_venues_are_always_allowed_is_no_fault(told, distance, noise, move) -> None:
    assert gap(told * math.exp(distance), told, noise, move) < 1


@given(PRICES, st.floats(0.0301, 3), NOISES)
def test_nothing_excuses_three_percent_but_the_tokens_own_moves(told, distance, noise) -> None:
    close = told * math.exp(distance)
    assert gap(close, told, noise) > 1
    assert gap(close, told, noise, move=distance * 10_000) < 1


@given(PRICES, PRICES, NOISES, NOISES, st.floats(0, 500))
def test_more_noise_never_doubts_more(close, told, noise, move, more) -> None:
    assert gap(close, told, noise + more, move) <= gap(close, told, noise, move)
    assert gap(close, told, noise, move + more) <= gap(close, told, noise, move)


@pytest.mark.parametrize("count", [0, 1, math.nan])
def test_of_one_other_venue_nobody_can_tell(count) -> None:
    assert math.isnan(gap(1, 2, count=count))
    assert gap(1, 2, count=2) > 1


def test_where_nothing_was_told_nothing_is_known() -> None:
    assert venues.gap(pd.DataFrame({"close": [1.0]})).isna().all()
    assert math.isnan(gap(1, math.nan))
