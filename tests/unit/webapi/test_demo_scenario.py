"""The demo's story holds together at any prices."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from webapi.demo import scenario
from webapi.demo.scenario import Course

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def course(days: int, moves: list[int]) -> Course:
    """Closes of the last `days`, each so many percent of the one before, within what any token costs."""
    price, closes = Decimal(100), []
    for day in range(days):
        moved = price * moves[day % len(moves)] / 100
        price = min(max(moved, Decimal("0.0001")), Decimal(10**9))
        closes.append(price)
    return Course([NOW - timedelta(days=days - each) for each in range(days)], closes)


@settings(deadline=None, max_examples=60)
@given(
    days=st.integers(1, 1400),
    moves=st.lists(st.integers(93, 108), min_size=1, max_size=30),
)
def test_nothing_is_sold_that_is_not_held_and_nothing_happens_before_the_first_price(
    days, moves
) -> None:
    courses = {symbol: course(days, moves) for symbol in scenario.TOKENS}
    told = scenario.transactions(courses, NOW)
    assert told == scenario.transactions(courses, NOW)
    held: dict[str, Decimal] = defaultdict(Decimal)
    for each in told:
        at = datetime.fromisoformat(each["timestamp"])
        assert NOW - timedelta(days=days) <= at < NOW
        is_out = each["type"] in ("sell", "transfer_out")
        held[each["tokenSymbol"]] += -Decimal(each["amount"]) if is_out else Decimal(each["amount"])
        assert Decimal(each["amount"]) > 0
        assert held[each["tokenSymbol"]] >= 0
    assert len(told) <= 1000


def test_three_years_are_told_where_there_are_three_years_of_prices() -> None:
    courses = {"BTC": course(1200, [101, 99, 103, 98])}
    told = scenario.transactions(courses, NOW)
    first = datetime.fromisoformat(told[0]["timestamp"])
    assert NOW - first > timedelta(days=3 * 365 - 2)
    kinds = {each["type"] for each in told}
    assert {"buy", "transfer_in", "transfer_out"} <= kinds
