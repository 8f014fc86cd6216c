"""Validates rows from outside by the rules that hold for every source, before anything is stored."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from coinsphere.clock import DAY, HOUR
from coinsphere.market.model import Candle, Interval, Quote

EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
"""No token was traded before."""
_SCALE = 18
_WHOLE_DIGITS = 20
_SURELY_EXACT = 19
"""A plain number of so few characters fits numeric(38,18) wherever its point stands."""
_NUMBER = r"\d{1,20}(?:\.\d{1,18})?"
_PLAIN = re.compile(rf"(?:{_NUMBER}\t){{4}}(?:{_NUMBER}|\\N)", re.ASCII)
"""Five numbers that are finite, not negative and exact in numeric(38,18)."""
_LARGEST_JUMP = 10
"""Multiple or fraction of the last good quote past which a new one is not believed; grows with that one's age."""
CLOCK_SKEW = timedelta(minutes=1)
"""How far a source's clock may run ahead of ours."""


class Fault(NamedTuple):
    """A fault of a row, and its column."""

    column: str
    reason: str


def candle_fault(candle: Candle, now: datetime) -> Fault | None:
    """Why `candle` must not be stored at the instant `now`; None where it may."""
    return untruth(candle, now) or _digits_fault(candle)


def untruth(candle: Candle, now: datetime) -> Fault | None:
    """Why `candle` cannot be true; unlike `candle_fault` it accepts any number of digits, as floats may have."""
    return _price_fault(candle) or _volume_fault(candle.volume) or _time_fault(candle, now)


def is_plainly_sound(candle: Candle, numbers: str, now: datetime) -> bool:
    """All rules of `candle_fault` at once, fast; False means only that `candle_fault` must decide.

    Args:
        candle: millions pass here, so nothing is looked at twice.
        numbers: open, high, low, close and volume as text, separated by tabs; an unknown volume is a backslash and N.
        now: the instant past which nothing is known.
    """
    if _PLAIN.fullmatch(numbers) is None:
        return False
    low, high, opened_at = candle.low, candle.high, candle.opened_at
    if not (0 < low <= candle.open <= high and low <= candle.close <= high):
        return False
    if opened_at.tzinfo is not UTC or opened_at.minute or opened_at.second:
        return False
    length = HOUR
    if candle.interval is Interval.DAY:
        if opened_at.hour:
            return False
        length = DAY
    ends_at = opened_at + length if candle.is_final else opened_at
    return opened_at >= EARLIEST and ends_at <= now and not opened_at.microsecond


def quote_fault(quote: Quote, last: tuple[Decimal, datetime] | None, now: datetime) -> Fault | None:
    """Why `quote` must not be stored; `last` is the token's last good price and its time."""
    if not quote.price.is_finite() or quote.price <= 0:
        return Fault("price", "price is not a positive number")
    if quote.observed_at > now + CLOCK_SKEW:
        return Fault("observed_at", "observed in the future")
    for name in ("volume_24h", "market_cap"):
        value: Decimal | None = getattr(quote, name)
        if value is not None and not (value.is_finite() and value >= 0):
            return Fault(name, f"{name} is not a number of at least zero")
    for name in ("price", "volume_24h", "market_cap", "change_24h"):
        value = getattr(quote, name)
        if value is not None and not fits(value):
            return Fault(name, f"{name} has more digits than numeric(38,18) holds")
    return _jump_fault(quote, last)


def fits(number: Decimal) -> bool:
    """Whether numeric(38,18) holds `number` exactly; a number that is not finite never fits."""
    text = str(number)
    if len(text) <= _SURELY_EXACT and "E" not in text:
        return number.is_finite()
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        return False
    significant = "".join(map(str, digits)).rstrip("0")
    exponent += len(digits) - len(significant)
    return not significant or (exponent >= -_SCALE and len(significant) + exponent <= _WHOLE_DIGITS)


def _price_fault(candle: Candle) -> Fault | None:
    for name in ("open", "high", "low", "close"):
        price: Decimal = getattr(candle, name)
        if not price.is_finite():
            return Fault(name, f"{name} is not a finite number")
        if price <= 0:
            return Fault(name, f"{name} is {'zero' if price == 0 else 'negative'}")
    if candle.low > min(candle.open, candle.close):
        return Fault("low", "low is above open or close")
    if candle.high < max(candle.open, candle.close):
        return Fault("high", "high is below open or close")
    return None


def _volume_fault(volume: Decimal | None) -> Fault | None:
    if volume is None:
        return None
    if not volume.is_finite():
        return Fault("volume", "volume is not a finite number")
    return Fault("volume", "volume is negative") if volume < 0 else None


def _time_fault(candle: Candle, now: datetime) -> Fault | None:
    opened_at = candle.opened_at
    if opened_at.utcoffset() != timedelta(0):
        return Fault("date", "the time is not in UTC")
    if opened_at > now:
        return Fault("date", "opens in the future")
    if opened_at < EARLIEST:
        return Fault("date", "opens before 2009, when no token was traded")
    return _span_fault(candle, now)


def _span_fault(candle: Candle, now: datetime) -> Fault | None:
    opened_at = candle.opened_at
    if opened_at.minute or opened_at.second or opened_at.microsecond:
        return Fault("date", "does not open at a full hour")
    if candle.interval is Interval.DAY and opened_at.hour:
        return Fault("date", "a daily candle does not open at midnight UTC")
    if candle.is_final and opened_at + candle.interval.duration > now:
        return Fault("date", "is called final before its end")
    return None


def _digits_fault(candle: Candle) -> Fault | None:
    for name in ("open", "high", "low", "close", "volume"):
        number: Decimal | None = getattr(candle, name)
        if number is not None and not fits(number):
            return Fault(name, f"{name} has more digits than numeric(38,18) holds")
    return None


def _jump_fault(quote: Quote, last: tuple[Decimal, datetime] | None) -> Fault | None:
    """The longer the last good quote is ago, the further the price may have gone: nothing is refused for ever."""
    if last is None:
        return None
    price, observed_at = last
    allowed = _LARGEST_JUMP * (1 + max(0, (quote.observed_at - observed_at) // DAY))
    if price / allowed <= quote.price <= price * allowed:
        return None
    return Fault(
        "price",
        f"price jumped more than {_LARGEST_JUMP}-fold away from the last good one",
    )
