"""Technical indicators in the form of the wire: numbers of the warehouse, and words derived from them alone."""

from decimal import Decimal
from typing import Any

from webapi.predictions.indicator_queries import Indicators

_RISING, _FALLING = 1.2, 0.8
"""A day's volume over the mean of the 30 days before."""
_CENTS = 2
_READ_DIGITS = 5


def describe(newest: Indicators | None) -> dict[str, Any] | None:
    """The indicators of the newest final day; None where there are none."""
    if newest is None:
        return None
    exact = {
        "rsi": newest.rsi_14,
        "macd": _macd(newest),
        "bollinger_bands": _bands(newest),
    }
    decimals = decimals_of(newest.close)
    return {
        "rsi": _rounded(exact["rsi"], 1),
        "macd": _rounded(exact["macd"], decimals),
        "trend": trend(newest),
        "bollinger_bands": _rounded(exact["bollinger_bands"], decimals),
        "volume_trend": volume_trend(newest.volume_ratio_30d),
        "as_of": newest.price_date.isoformat(),
        "exact": exact,
    }


def decimals_of(price: Decimal) -> int:
    """The number of decimals for a price in dollars: cents, or as many as show five digits of it."""
    return max(_CENTS, _READ_DIGITS - 1 - price.adjusted())


def trend(newest: Indicators) -> str | None:
    """The trend as close and MACD agree on it; None where one of them is unknown.

    `bullish` where the close lies above its mean of 20 days and the MACD above its signal, `bearish` where both lie
    below, else `neutral`.
    """
    if newest.bollinger_middle is None or newest.macd is None or newest.macd_signal is None:
        return None
    above_mean = float(newest.close) > newest.bollinger_middle
    if above_mean != (newest.macd > newest.macd_signal):
        return "neutral"
    return "bullish" if above_mean else "bearish"


def volume_trend(ratio: float | None) -> str | None:
    """`increasing`, `decreasing` or `stable` against the 30 days before."""
    if ratio is None:
        return None
    if ratio > _RISING:
        return "increasing"
    return "decreasing" if ratio < _FALLING else "stable"


def _rounded(value: Any, decimals: int) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each, decimals) for name, each in value.items()}
    return None if value is None else round(value, decimals)


def _macd(newest: Indicators) -> dict[str, float | None] | None:
    return None if newest.macd is None else {"value": newest.macd, "signal": newest.macd_signal}


def _bands(newest: Indicators) -> dict[str, float | None] | None:
    if newest.bollinger_middle is None:
        return None
    return {
        "upper": newest.bollinger_upper,
        "middle": newest.bollinger_middle,
        "lower": newest.bollinger_lower,
    }
