"""The rule holds whatever the venues say: properties of any quotes, not examples."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from coinsphere.market.consensus import rule, statistics
from coinsphere.market.consensus.model import Rules, State
from tests.unit.market.consensus.conftest import DOLLARS, NOW, says

RULES = Rules()
honest = st.decimals("0.9985", "1.0015", places=6)
"""Within 30 bp of one another, as real venues are."""
anything = st.decimals(allow_nan=True, allow_infinity=True)
maybe = st.none() | anything


@st.composite
def crowds(draw, least=1, most=9):
    """Honest venues with volumes of any size."""
    prices = draw(st.lists(honest, min_size=least, max_size=most))
    volumes = st.none() | st.decimals(0, 10**12, places=2)
    return [says(f"v{n}", price, volume=draw(volumes)) for n, price in enumerate(prices)]


@st.composite
def nonsense(draw):
    """Quotes in which no number needs to make sense."""
    return [
        replace(
            says(f"v{draw(st.integers(0, 5))}", 1),
            price=draw(anything),
            bid=draw(maybe),
            ask=draw(maybe),
            volume=draw(maybe),
            currency=draw(st.sampled_from(["USD", "USDT", "EUR"])),
            observed_at=NOW + timedelta(seconds=draw(st.integers(-10_000, 10_000))),
        )
        for _ in range(draw(st.integers(0, 8)))
    ]


def agreed(quotes, previous=None, now=NOW, rules=RULES):
    return rule.agree("X", quotes, DOLLARS, previous, now, rules)


@given(crowds(), st.randoms())
def test_the_order_in_which_venues_answer_is_nothing(crowd, chance):
    shuffled = list(crowd)
    chance.shuffle(shuffled)
    assert agreed(shuffled) == agreed(crowd)


@given(crowds())
def test_the_price_lies_between_the_votes_and_weights_sum_to_one(crowd):
    found = agreed(crowd)
    voting = [each for each in found.constituents if each.left_out is None]
    prices = [each.price for each in voting]
    assert min(prices) - Decimal("1e-17") <= found.price <= max(prices) + Decimal("1e-17")
    assert abs(sum(each.weight for each in voting) - 1) < Decimal("0.0001")
    assert all(each.weight == 0 for each in found.constituents if each.left_out)
    assert found.confidence >= 0
    assert found.venues == len(voting)


@given(crowds(least=3), st.data())
def test_no_minority_moves_the_price_out_of_what_the_others_say(crowd, data):
    """Neither by a lie that is seen nor by one too small to be seen, whatever volume it claims."""
    bad = data.draw(st.integers(0, (len(crowd) - 1) // 2))
    lie = st.decimals("0.5", "2", places=4) | st.decimals("0.995", "1.005", places=4)
    for n in range(bad):
        crowd[n] = says(f"v{n}", data.draw(lie), volume=Decimal(10) ** 15)
    honest_prices = [quote.price for quote in crowd[bad:]]
    found = agreed(crowd)
    assert min(honest_prices) <= found.price <= max(honest_prices)


@given(crowds(), st.decimals("0.001", "1000", places=3))
def test_the_unit_of_the_price_is_nothing(crowd, factor):
    scaled = [
        replace(q, price=q.price * factor, bid=q.bid * factor, ask=q.ask * factor) for q in crowd
    ]
    one, other = agreed(crowd), agreed(scaled)
    assert (one.state, one.venues) == (other.state, other.venues)
    assert statistics.apart(one.price * factor, other.price) < Decimal("0.000001")


@given(nonsense(), nonsense())
def test_whatever_venues_say_there_is_an_answer_and_every_quote_is_explained(first, second):
    before = agreed(first)
    found = agreed(second, before, NOW + timedelta(minutes=1))
    markets = {(quote.venue, quote.currency) for quote in second}
    assert {(c.quote.venue, c.quote.currency) for c in found.constituents} == markets
    assert all((c.weight > 0) == (c.left_out is None) for c in found.constituents)
    assert found.price is None or found.price > 0
    if found.state is State.STALE:
        assert (found.price, found.agreed_at) == (before.price, before.agreed_at)


@given(
    st.lists(st.none() | st.decimals(0, 10**9, places=2), min_size=1, max_size=12),
    st.data(),
)
def test_no_minority_holds_half_of_the_weight(volumes, data):
    noises = [data.draw(st.decimals(0, 1000, places=2)) for _ in volumes]
    made = statistics.weights(volumes, noises)
    minority = sorted(made)[-((len(made) - 1) // 2) :] if len(made) > 2 else []
    assert sum(minority) < Decimal("0.5")
    assert abs(sum(made) - 1) < Decimal("0.0001")


@given(st.lists(st.tuples(st.decimals(1, 100, places=2), st.just(Decimal(1))), min_size=1))
def test_with_equal_weights_it_is_the_usual_median(points):
    import statistics as reference

    assert statistics.quantile(points, Decimal("0.5")) == reference.median(p for p, _ in points)
