"""When an alert fires, by hand-written cases."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.alerts.rules import (
    AlertType,
    Condition,
    hysteresis_fault,
    is_cooled_down,
    is_met,
    is_rearmed,
    threshold_fault,
    unchanging,
    usual_hysteresis,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("condition", "previous", "value", "met"),
    [
        ("above", None, 101, True),
        ("above", None, 100, False),
        ("above", 99, 101, True),
        ("above", 100, 101, True),
        ("above", 101, 102, False),
        ("below", None, 99, True),
        ("below", 100, 99, True),
        ("below", 99, 98, False),
        ("below", None, 100, False),
        ("crosses_above", None, 101, False),
        ("crosses_above", 100, 101, True),
        ("crosses_above", 99, 100, False),
        ("crosses_below", None, 99, False),
        ("crosses_below", 101, 99, True),
        ("crosses_below", 101, 100, False),
        ("equal", None, 100, True),
        ("equal", 100, 100, False),
        ("equal", 99, 101, True),
        ("equal", 101, 99, True),
        ("equal", 100, 101, False),
        ("equal", None, 101, False),
    ],
)
def test_a_condition_is_met_by_a_step(condition, previous, value, met):
    before = None if previous is None else Decimal(previous)
    assert is_met(Condition(condition), Decimal(100), before, Decimal(value)) is met


def test_the_smallest_step_that_can_be_stored_is_a_crossing():
    step = Decimal("0.000000000000000001")
    assert is_met(Condition.CROSSES_ABOVE, Decimal(1), Decimal(1), 1 + step)
    assert is_met(Condition.BELOW, Decimal(1), None, 1 - step)


def test_the_cooldown_ends_at_its_last_second():
    hour = timedelta(hours=1)
    assert is_cooled_down(None, hour, NOW)
    assert is_cooled_down(NOW - hour, hour, NOW)
    assert not is_cooled_down(NOW - hour + timedelta(microseconds=1), hour, NOW)


@pytest.mark.parametrize(
    ("alert_type", "condition", "threshold", "is_refused"),
    [
        ("percent_change", "below", -100, True),
        ("percent_change", "below", -101, True),
        ("percent_change", "above", -150, True),
        ("percent_change", "below", "-99.9", False),
        ("percent_change", "above", 1000, False),
        ("prediction", "crosses_below", -100, True),
        ("prediction", "equal", -250, True),
        ("prediction", "below", -20, False),
        ("risk", "above", 100, True),
        ("risk", "crosses_above", 100, True),
        ("risk", "below", 0, True),
        ("risk", "equal", 100, False),
        ("risk", "above", 0, False),
        ("risk", "above", "100.1", True),
        ("drawdown", "above", 0, False),
        ("drawdown", "above", 100, True),
        ("drawdown", "above", 101, True),
        ("reconciliation", "above", 0, False),
        ("reconciliation", "below", 0, True),
        ("stale_data", "above", 0, False),
        ("volatility", "above", 0, True),
        ("price", "below", 0, True),
        ("price", "above", -5, True),
        ("volume", "below", 0, True),
        ("portfolio", "below", 0, True),
        ("portfolio", "below", "0.01", False),
    ],
)
def test_a_threshold_that_no_value_passes_is_named(alert_type, condition, threshold, is_refused):
    found = threshold_fault(AlertType(alert_type), Condition(condition), Decimal(threshold))
    assert (found is not None) is is_refused


@pytest.mark.parametrize("alert_type", list(AlertType))
@pytest.mark.parametrize("condition", list(Condition))
@pytest.mark.parametrize("threshold", ["1e-18", "0.5", "1", "50", "99.5", "99"])
def test_the_usual_hysteresis_is_one_that_an_alert_comes_back_from(
    alert_type, condition, threshold
):
    found = usual_hysteresis(alert_type, condition, Decimal(threshold))
    assert hysteresis_fault(alert_type, condition, Decimal(threshold), found) is None


def test_a_hysteresis_from_which_no_value_comes_back_is_named():
    for alert_type, condition, threshold, margin in (
        ("price", "above", 100, 100),
        ("risk", "below", 90, 11),
        ("percent_change", "above", -50, 50),
        ("risk", "equal", 50, 51),
    ):
        given = AlertType(alert_type), Condition(condition), Decimal(threshold)
        assert hysteresis_fault(*given, Decimal(margin)) is not None
        assert hysteresis_fault(*given, Decimal(margin) / 2) is None


_NUMBERS = st.decimals("0.01", 1000, places=2)


@given(
    st.sampled_from(Condition),
    st.tuples(_NUMBERS, _NUMBERS, _NUMBERS),
    st.booleans(),
    st.lists(_NUMBERS, min_size=5),
)
def test_between_its_bounds_an_alert_does_not_change(condition, numbers, is_armed, values):
    threshold, hysteresis, previous = numbers
    low, high = unchanging(condition, threshold, hysteresis, previous, is_armed=is_armed)
    for value in [*values, threshold, threshold + hysteresis, threshold - hysteresis]:
        if low < value < high:
            assert not is_met(condition, threshold, previous, value)
            assert (value > threshold, value < threshold) == (
                previous > threshold,
                previous < threshold,
            )
            assert is_armed or not is_rearmed(condition, threshold, hysteresis, value)


def test_where_nothing_was_compared_yet_any_value_may_change_an_alert():
    for previous in (None, Decimal(100)):
        low, high = unchanging(Condition.ABOVE, Decimal(100), Decimal(1), previous, is_armed=True)
        assert low > high
