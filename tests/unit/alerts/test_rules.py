"""When an alert fires, by hand-written cases."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from coinsphere.alerts.rules import Condition, is_cooled_down, is_met

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
