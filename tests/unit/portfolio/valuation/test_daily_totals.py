"""The sums of a portfolio's days by arrays are those of a plain loop over days and assets, to the last digit."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.portfolio.valuation import daily_series
from coinsphere.portfolio.valuation.daily_series import Series
from coinsphere.portfolio.valuation.daily_totals import (
    DailyTotals,
    DayTotals,
    FlowSeries,
    PositionSeries,
)

FIRST = date(2026, 1, 5)
SPAN = range(FIRST.toordinal(), FIRST.toordinal() + 8)
E18, E36 = 10**18, 10**36

numbers = st.integers(0, 10**40)
known_days = st.sets(st.integers(SPAN[0] - 4, SPAN[-1]), max_size=6).map(sorted)
flow_days = st.sets(st.sampled_from(SPAN), max_size=4).map(sorted)


@st.composite
def tables(draw, days, width):
    """Days, and so many columns of numbers beside them."""
    drawn = draw(days)
    columns = [[draw(numbers) for _ in drawn] for _ in range(width)]
    return [
        np.array(drawn, dtype=np.int64),
        *(np.array(column, dtype=object) for column in columns),
    ]


assets = st.tuples(tables(known_days, 1), tables(known_days, 3), tables(flow_days, 5))


def last(days, values, day):
    """The value of the last day up to `day`, and that day; None where there is none."""
    found = [(known, value) for known, value in zip(days, values, strict=True) if known <= day]
    return found[-1] if found else None


def plain(day: int, made) -> DayTotals:
    """What the class is to compute, said one asset after another."""
    value = cost = money_in = money_out = swapped = amount_in = amount_out = 0
    uncosted = priced = filled = unpriced = 0
    for (days, closes), (since, amounts, costs, unknown), (at, *flows) in made:
        close = last(days, closes, day)
        position = last(since, list(zip(amounts, costs, unknown, strict=True)), day)
        if position is not None and position[1][0]:
            amount, known_cost, without = position[1]
            cost += known_cost
            uncosted += bool(without)
            priced += close is not None
            unpriced += close is None
            filled += close is not None and close[0] < day
            value += amount * close[1] if close else 0
        if len(days) and days[0] == day:
            before = last(since, amounts, day - 1)
            amount_in += before[1] * closes[0] if before else 0
        for each in (place for place, other in enumerate(at) if other == day and close):
            money_in += flows[0][each]
            money_out += flows[1][each]
            amount_in += flows[2][each] * close[1]
            amount_out += flows[3][each] * close[1]
            swapped += flows[4][each]
    return DayTotals(
        date.fromordinal(day), exact(value, 36), exact(cost), uncosted, priced, filled, unpriced,
        exact(money_in + max(swapped, 0)), exact(money_out + max(-swapped, 0)),
        exact(amount_in, 36), exact(amount_out, 36),
    )  # fmt: skip


def exact(number: int, places: int = 18) -> Decimal:
    return Decimal(f"{number}e-{places}")


@given(st.lists(assets, max_size=4))
def test_the_sums_are_those_of_a_plain_loop(made) -> None:
    sums = DailyTotals(FIRST, date.fromordinal(SPAN[-1]))
    for closes, held, crossed in made:
        sums.add(Series(*closes), PositionSeries(*held), FlowSeries(*crossed))
    assert list(sums.days()) == [plain(day, made) for day in SPAN]


def test_a_position_or_flows_may_be_missing() -> None:
    sums = DailyTotals(FIRST, FIRST)
    sums.add(Series.read(str(SPAN[0]), "2.000000000000000000"), None, None)
    (day,) = sums.days()
    assert day == DayTotals(FIRST, *[Decimal(0)] * 2, *[0] * 4, *[Decimal(0)] * 4)


def test_texts_are_read_exactly_and_put_in_order() -> None:
    day = FIRST.toordinal()
    found = Series.read(
        f"{day + 2} {day}", "0.000000000000000001 12345678901234567890.5" + "0" * 17
    )
    assert found.on(FIRST - timedelta(days=1)) is None
    assert found.on(FIRST + timedelta(days=1)) == Decimal("12345678901234567890.5")
    assert found.on(FIRST + timedelta(days=9)) == Decimal("1e-18")
    assert found.between(FIRST + timedelta(days=1), FIRST + timedelta(days=2)) == [
        (FIRST + timedelta(days=2), Decimal("1e-18"))
    ]
    assert daily_series.by_day("", "")[0].tolist() == []
    assert daily_series.by_day("7", "-0.5" + "0" * 17)[1][0].tolist() == [-5 * 10**17]
