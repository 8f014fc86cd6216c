"""Lots across a change of unit: nothing is lost or made, whatever the ratio."""

from datetime import UTC, datetime
from decimal import Decimal, localcontext

from hypothesis import given, settings
from hypothesis import strategies as st

from coinsphere.market.reference.asset_events import InvalidEvent, Ratio, ratio
from coinsphere.portfolio.lots.book_records import CarriedLot
from coinsphere.portfolio.lots.conversions import converted
from coinsphere.portfolio.model import EXACT

AT = datetime(2026, 1, 1, tzinfo=UTC)
quantities = st.integers(1, 10**30).map(lambda units: Decimal(units).scaleb(-18))
costs = st.none() | st.integers(0, 10**24).map(lambda units: Decimal(units).scaleb(-18))
units = st.integers(1, 10**9).map(Decimal)
made_lots = st.lists(st.builds(CarriedLot, quantities, costs, st.just(AT)), min_size=1, max_size=8)


@settings(max_examples=1000, deadline=None)
@given(made_lots, st.builds(Ratio, units, units))
def test_units_and_costs_are_conserved(lots, given_ratio):
    with localcontext(EXACT):
        made = converted(lots, given_ratio)
        total = sum(lot.quantity for lot in lots)
        assert sum(lot.quantity for lot in made) == given_ratio.amount(total)
        assert all(lot.quantity > 0 for lot in made)
        if made and all(lot.cost is not None for lot in lots):
            assert sum(lot.cost for lot in made) == sum(lot.cost for lot in lots)
        if made and any(lot.cost is None for lot in lots):
            assert any(lot.cost is None for lot in made)


@settings(max_examples=500, deadline=None)
@given(quantities, st.builds(Ratio, units, units))
def test_value_is_the_same_in_both_units_but_for_the_last_digit(price, given_ratio):
    with localcontext(EXACT):
        new = given_ratio.price(price)
        assert (
            abs(new * given_ratio.new - price * given_ratio.old)
            <= Decimal("1e-18") * given_ratio.new
        )


def test_a_ratio_is_read_as_it_is_written():
    assert ratio("1:24,000") == Ratio(Decimal(1), Decimal(24000))
    assert str(ratio("1000:1")) == "1000:1"
    for wrong in ("", "1", "0:1", "1:0", "-1:2", "a:b", "1:2:3", "٣:1"):
        try:
            ratio(wrong)
        except InvalidEvent:
            continue
        raise AssertionError(wrong)
