"""Numbers of sources, cut to 18 decimals."""

from decimal import InvalidOperation

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.market.sources.decimals import rounded


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("1555886872303", "1555886872303"),
        ("1555886872303.123456789012345678901", "1555886872303.123456789012345679"),
        ("0.000000012345678901", "1.2345678901E-8"),
        ("1E+15", "1E+15"),
        (7, "7"),
    ],
)
def test_no_digit_is_lost_before_the_eighteenth_decimal(number, kept):
    assert str(rounded(number)) == kept


@pytest.mark.parametrize("text", ["much", "", "1e90.5", "1" * 83 + "." + "1" * 19])
def test_what_is_no_number_of_this_world_is_refused(text):
    with pytest.raises(InvalidOperation):
        rounded(text)


@given(st.decimals(-(10**19), 10**19, places=18))
def test_what_the_database_holds_is_not_touched(number):
    assert rounded(number) is number or rounded(number) == number
