"""Anchors a forecast at the present price, for the API's answers and for alerts on forecasts alike."""

import math
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal

from coinsphere.clock import start_of_day

_PRICE = Context(prec=12)
"""Digits of a forecast price: more would be a pretence, and numeric(38, 18) holds these of any price."""
_LEAST = Decimal("1e-18")
_EXACT = Context(prec=80)
_PERCENT_STEP = Decimal("0.00000001")


def horizon_start(origin_at: datetime, observed_at: datetime) -> datetime:
    """The midnight that a horizon counts from: the origin, or, where closes are missing since, the last one before the price."""
    return max(origin_at, start_of_day(observed_at.astimezone(UTC).date()))


def share_left(start: datetime, length: timedelta, now: datetime) -> float:
    """The share of a horizon that is still ahead, from a hundredth to 1."""
    return min(max((start + length - now) / length, 0.01), 1.0)


def price(reference: Decimal, log_return: float) -> Decimal:
    """The price a log return away from `reference`, in 12 digits and 18 decimals at most; never zero.

    Raises:
        ValueError: the return is not finite.
    """
    if not math.isfinite(log_return):
        raise ValueError(f"a model gave the log return {log_return}")
    if log_return == 0:
        return reference  # "as today" is today's price, to the last digit
    exact = _PRICE.multiply(reference, Decimal(repr(math.exp(log_return))))
    # Divided by the least price it is a whole number of those: what lies beyond 18 decimals is rounded away.
    return max((exact / _LEAST).to_integral_value() * _LEAST, _LEAST)


def change_percent(median: Decimal, current: Decimal) -> Decimal:
    """The change from the current price to the median in percent, in eight decimals."""
    change = _EXACT.divide(_EXACT.multiply(100, _EXACT.subtract(median, current)), current)
    return _EXACT.quantize(change, _PERCENT_STEP)
