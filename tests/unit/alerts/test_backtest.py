"""When an alert would have fired: by the same rules as it fires, value after value."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinsphere.alerts import backtest, rules
from coinsphere.alerts.backtest import Moment
from coinsphere.alerts.repository import NewAlert
from coinsphere.alerts.rules import AlertType, Condition

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def past(*values: int) -> list[Moment]:
    return [Moment(START + HOUR * number, Decimal(value)) for number, value in enumerate(values)]


def alert(condition: Condition, threshold: int, hysteresis: int = 0, hours: int = 0) -> NewAlert:
    return NewAlert(
        AlertType.PRICE, condition, Decimal(threshold), hysteresis=Decimal(hysteresis), cooldown_seconds=hours * 3600
    )  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "values", "fired"),
    [
        (alert(Condition.ABOVE, 10), (9, 11, 12, 9, 11), [1, 4]),
        (alert(Condition.ABOVE, 10), (11, 12, 13), []),
        (alert(Condition.ABOVE, 10, hysteresis=3), (9, 11, 9, 11, 7, 11), [1, 5]),
        (alert(Condition.ABOVE, 10, hours=4), (9, 11, 9, 11, 9, 11), [1, 5]),
        (alert(Condition.CROSSES_BELOW, 10), (11, 10, 9, 8, 12, 9), [2, 5]),
        (alert(Condition.EQUAL, 10), (9, 11, 10, 10), [1, 2]),
        (alert(Condition.BELOW, 10), (), []),
        (alert(Condition.BELOW, 10), (11,), []),
    ],
)
def test_it_fires_where_it_would_have_fired(wanted, values, fired) -> None:
    told = past(*values)
    assert backtest.firings(wanted, told) == [told[number] for number in fired]


@given(
    st.sampled_from(list(Condition)),
    st.lists(st.integers(0, 20), max_size=40),
    st.integers(1, 19),
    st.integers(0, 5),
    st.integers(0, 6),
)
@settings(deadline=None, max_examples=500)
def test_no_firing_breaks_a_rule(condition, values, threshold, hysteresis, hours) -> None:
    wanted, told = alert(condition, threshold, hysteresis, hours), past(*values)
    fired = backtest.firings(wanted, told)
    for one, other in itertools.pairwise(fired):
        between = told[told.index(one) + 1 : told.index(other) + 1]
        assert other.at - one.at >= HOUR * hours
        assert any(
            rules.is_rearmed(condition, wanted.threshold, wanted.hysteresis, each.value)
            for each in between
        )
    for each in fired:
        before = told[told.index(each) - 1].value
        assert rules.is_met(condition, wanted.threshold, before, each.value)
