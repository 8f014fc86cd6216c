"""The arithmetic of Uniswap V3 against the formulas of its white paper, in decimals of eighty digits."""

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.defi.protocols import uniswap_v3
from coinsphere.defi.protocols.uniswap_v3 import Market, PositionNft

TICKS = st.integers(-887_272, 887_272)


@given(TICKS)
def test_a_root_of_a_price_is_within_a_billionth_of_its_formula(tick: int) -> None:
    with localcontext(prec=80):
        expected = Decimal("1.0001") ** (Decimal(tick) / 2) * 2**96
        assert abs(uniswap_v3.sqrt_price(tick) - expected) <= max(2, expected / 10**9)


def test_the_ends_are_those_of_the_contracts() -> None:
    assert uniswap_v3.sqrt_price(-887_272) == 4295128739
    assert uniswap_v3.sqrt_price(887_272) == 1461446703485210103287273052203988822378723970342
    assert uniswap_v3.sqrt_price(0) == 2**96


@given(
    st.integers(1, 2**100),
    st.integers(-200_000, 200_000),
    st.integers(1, 50_000),
    st.integers(-250_000, 250_000),
)
def test_amounts_are_those_of_the_formula_and_never_more(
    liquidity: int, lower: int, width: int, tick: int
) -> None:
    price, upper = uniswap_v3.sqrt_price(tick), lower + width
    amount0, amount1 = uniswap_v3.inside(liquidity, price, lower, upper)
    with localcontext(prec=80):
        low, high = (Decimal(uniswap_v3.sqrt_price(each)) / 2**96 for each in (lower, upper))
        now = min(max(Decimal(price) / 2**96, low), high)
        exact0, exact1 = liquidity * (1 / now - 1 / high), liquidity * (now - low)
        tiny = Decimal("1e-40") * liquidity
        assert exact0 - 2 - tiny <= amount0 <= exact0 + tiny
        assert exact1 - 1 - tiny <= amount1 <= exact1 + tiny
    assert (amount0 == 0) or tick < upper
    assert (amount1 == 0) or tick > lower


@pytest.mark.parametrize("tick", [-500, 0, 500])
def test_fees_are_counted_across_the_wrap_of_the_counters(tick: int) -> None:
    """What grew inside since the last touch is 3 per unit of liquidity, wherever the price stands and counters began."""
    wrap, grown = 2**256, 3 << 128
    total = (1 << 128) - 1  # has wrapped
    below, above = 17 << 128, 5 << 128
    if tick < -100:
        outside_lower, outside_upper = total - below, above
        inside = (total - (total - outside_lower) - above) % wrap
    elif tick >= 100:
        outside_lower, outside_upper = below, total - above
        inside = (total - below - (total - outside_upper)) % wrap
    else:
        outside_lower, outside_upper = below, above
        inside = (total - below - above) % wrap
    market = Market(
        0, tick, (total, total), (outside_lower % wrap,) * 2, (outside_upper % wrap,) * 2
    )
    last = (inside - grown) % wrap
    held = PositionNft(1, "a", "b", 500, -100, 100, 10, last, last, 4, 0)
    assert uniswap_v3.fees(held, market) == (34, 30)
