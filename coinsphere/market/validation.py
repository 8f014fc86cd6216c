"""Whether a row from outside can be true: the rules that hold for every source, before anything is stored."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from coinsphere.market.model import Candle, Interval

EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
"""No token was traded before."""
_SCALE = 18
_WHOLE_DIGITS = 20
_SURELY_EXACT = 19
"""A plain number of so few characters fits numeric(38,18) wherever its point stands."""


def candle_fault(candle: Candle, now: datetime) -> str | None:
    """Why `candle` cannot be true at the instant `now`; None where nothing speaks against it."""
    return (
        _price_fault(candle)
        or _volume_fault(candle.volume)
        or _time_fault(candle, now)
        or _digits_fault(candle)
    )


def fits(number: Decimal) -> bool:
    """Whether `number` is finite and numeric(38,18) holds it exactly."""
    text = str(number)
    if len(text) <= _SURELY_EXACT and "E" not in text:
        return number.is_finite()
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return False
    significant = "".join(map(str, digits)).rstrip("0")
    exponent += len(digits) - len(significant)
    return not significant or (exponent >= -_SCALE and len(significant) + exponent <= _WHOLE_DIGITS)


def _price_fault(candle: Candle) -> str | None:
    low, high = candle.low, candle.high
    try:
        if 0 < low <= candle.open <= high and low <= candle.close <= high and high.is_finite():
            return None
    except InvalidOperation:
        return "a price is not a number"
    for name in ("open", "high", "low", "close"):
        price: Decimal = getattr(candle, name)
        if not price.is_finite():
            return f"{name} is not finite"
        if price <= 0:
            return f"{name} is {'zero' if price == 0 else 'negative'}"
    if low > min(candle.open, candle.close):
        return "low is above open or close"
    return "high is below open or close"


def _volume_fault(volume: Decimal | None) -> str | None:
    if volume is None:
        return None
    if not volume.is_finite():
        return "volume is not finite"
    return "volume is negative" if volume < 0 else None


def _time_fault(candle: Candle, now: datetime) -> str | None:
    opened_at = candle.opened_at
    if opened_at.tzinfo is not UTC and opened_at.utcoffset() != timedelta(0):
        return "time is not in UTC"
    if opened_at > now:
        return "opens in the future"
    if opened_at < EARLIEST:
        return "opens before 2009, when no token was traded"
    if opened_at.minute or opened_at.second or opened_at.microsecond:
        return "does not open at a full hour"
    return _span_fault(candle, now)


def _span_fault(candle: Candle, now: datetime) -> str | None:
    opened_at = candle.opened_at
    if candle.interval is Interval.DAY and opened_at.hour:
        return "a daily candle does not open at midnight UTC"
    if candle.is_final and opened_at + candle.interval.duration > now:
        return "is called final before its end"
    return None


def _digits_fault(candle: Candle) -> str | None:
    if not (fits(candle.open) and fits(candle.high) and fits(candle.low) and fits(candle.close)):
        return "a price has more digits than numeric(38,18) holds"
    if candle.volume is not None and not fits(candle.volume):
        return "volume has more digits than numeric(38,18) holds"
    return None
