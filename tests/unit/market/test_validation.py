"""What is believed and what is not."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Context, Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.market.model import Candle, Interval
from coinsphere.market.quality import validation

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def numbers_of(candle) -> str:
    volume = r"\N" if candle.volume is None else candle.volume
    return f"{candle.open}\t{candle.high}\t{candle.low}\t{candle.close}\t{volume}"


@pytest.mark.parametrize(
    ("changes", "column", "reason"),
    [
        ({"low": Decimal("-0.5")}, "low", "low is negative"),
        ({"low": Decimal(0)}, "low", "low is zero"),
        ({"open": Decimal("NaN")}, "open", "open is not a finite number"),
        ({"high": Decimal("Infinity")}, "high", "high is not a finite number"),
        ({"low": Decimal("10.5")}, "low", "low is above open or close"),
        ({"high": Decimal("10.5")}, "high", "high is below open or close"),
        ({"volume": Decimal(-1)}, "volume", "volume is negative"),
        ({"volume": Decimal("NaN")}, "volume", "volume is not a finite number"),
        ({"opened_at": datetime(2030, 1, 4, tzinfo=UTC)}, "date", "opens in the future"),
        ({"opened_at": datetime(2008, 1, 4, tzinfo=UTC)}, "date", "opens before 2009"),
        ({"opened_at": DAY + timedelta(hours=1)}, "date", "does not open at midnight"),
        ({"opened_at": DAY + timedelta(seconds=1)}, "date", "does not open at a full hour"),
        ({"opened_at": DAY.replace(tzinfo=None)}, "date", "not in UTC"),
        ({"opened_at": DAY.replace(tzinfo=timezone(timedelta(hours=2)))}, "date", "not in UTC"),
        ({"opened_at": datetime(2026, 3, 10, tzinfo=UTC)}, "date", "final before its end"),
        ({"close": Decimal("10.0000000000000000001")}, "close", "more digits"),
        ({"volume": Decimal("1e25")}, "volume", "more digits"),
    ],
)
def test_a_candle_that_cannot_be_true_is_refused_with_its_column(
    candle, now, changes, column, reason
):
    wrong = candle(**changes)
    fault = validation.candle_fault(wrong, now)
    assert fault is not None
    assert fault.column == column
    assert reason in fault.reason
    assert not validation.is_plainly_sound(wrong, numbers_of(wrong), now)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"volume": None},
        {"volume": Decimal(0)},
        {"interval": Interval.HOUR, "opened_at": DAY + timedelta(hours=5)},
        {"opened_at": datetime(2026, 3, 10, tzinfo=UTC), "is_final": False},
    ],
)
def test_a_usual_candle_passes_both_ways(candle, now, changes):
    good = candle(**changes)
    assert validation.candle_fault(good, now) is None
    assert validation.is_plainly_sound(good, numbers_of(good), now)


def test_a_tiny_price_is_sound_though_only_the_close_look_tells(candle, now):
    """Python writes it with an exponent, which the quick look does not read."""
    prices = {name: Decimal("0.000000012345678901") for name in ("open", "high", "low", "close")}
    tiny = candle(**prices)
    assert validation.candle_fault(tiny, now) is None
    assert not validation.is_plainly_sound(tiny, numbers_of(tiny), now)


_PRICE = st.decimals(-5, 50, places=2)


@given(
    numbers=st.tuples(_PRICE, _PRICE, _PRICE, _PRICE, st.none() | _PRICE),
    hours=st.integers(-50, 50),
    is_final=st.booleans(),
    interval=st.sampled_from(Interval),
)
def test_the_quick_check_agrees_with_the_close_one(numbers, hours, is_final, interval):
    now = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
    opened_at = now.replace(minute=0) + timedelta(hours=hours)
    candle = Candle(UUID(int=1), interval, opened_at, *numbers, "x", is_final, now)
    quick = validation.is_plainly_sound(candle, numbers_of(candle), now)
    assert quick == (validation.candle_fault(candle, now) is None)


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_a_number_fits_exactly_when_no_digit_would_be_lost(number):
    if not number.is_finite():
        assert not validation.fits(number)
        return
    exact = Context(prec=2000, Emin=-(10**9), Emax=10**9)
    try:
        stored = number.quantize(Decimal("1e-18"), context=Context(prec=38, Emin=-9999, Emax=9999))
    except ArithmeticError:
        assert not validation.fits(number) or number == 0
        return
    assert validation.fits(number) == (exact.compare(stored, number) == 0)


class TestQuotes:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"price": Decimal(-1)}, "price is not a positive number"),
            ({"price": Decimal(0)}, "price is not a positive number"),
            ({"price": Decimal("NaN")}, "price is not a positive number"),
            ({"observed_at": datetime(2031, 1, 1, tzinfo=UTC)}, "observed in the future"),
            ({"volume_24h": Decimal(-2)}, "volume_24h is not"),
            ({"price": Decimal(10) ** 11}, "jumped"),
            ({"price": Decimal("1e-7")}, "jumped"),
            ({"change_24h": Decimal("1e-19")}, "more digits"),
        ],
    )
    def test_nonsense_is_refused(self, quote, now, changes, reason):
        last = (Decimal(100), now - timedelta(minutes=1))
        fault = validation.quote_fault(quote(**changes), last, now)
        assert fault is not None
        assert reason in fault.reason

    def test_a_clock_slightly_ahead_is_forgiven(self, quote, now):
        ahead = quote(observed_at=now + timedelta(seconds=30))
        assert validation.quote_fault(ahead, None, now) is None

    def test_a_jump_is_believed_once_the_last_good_price_is_old(self, quote, now):
        jumped = quote(price=Decimal(2500))
        assert validation.quote_fault(jumped, (Decimal(100), now - timedelta(hours=1)), now)
        assert validation.quote_fault(jumped, (Decimal(100), now - timedelta(days=3)), now) is None
