"""Technical indicators as the wire shows them: numbers of the warehouse, and words that follow from them alone."""

from decimal import Decimal
from typing import Any

from webapi.predictions.indicator_queries import Indicators

_RISING, _FALLING = 1.2, 0.8
"""A day's volume over the mean of the 30 days before."""
_CENTS = 2
_READ_DIGITS = 5


def describe(found: Indicators | None) -> dict[str, Any] | None:
    """The indicators of the newest final day; None where there are none."""
    if found is None:
        return None
    exact = {
        "rsi": found.rsi_14,
        "macd": _macd(found),
        "bollinger_bands": _bands(found),
    }
    decimals = decimals_of(found.close)
    return {
        "rsi": _rounded(exact["rsi"], 1),
        "macd": _rounded(exact["macd"], decimals),
        "trend": trend(found),
        "bollinger_bands": _rounded(exact["bollinger_bands"], decimals),
        "volume_trend": volume_trend(found.volume_ratio_30d),
        "as_of": found.price_date.isoformat(),
        "exact": exact,
    }


def decimals_of(price: Decimal) -> int:
    """The decimals in which a person reads a price in dollars: cents, or as many as show five digits of it."""
    return max(_CENTS, _READ_DIGITS - 1 - price.adjusted())


def trend(found: Indicators) -> str | None:
    """The trend as close and MACD agree on it; None where one of them is unknown.

    `bullish` where the close lies above its mean of 20 days and the MACD above its signal, `bearish` where both lie
    below, else `neutral`.
    """
    if found.bollinger_middle is None or found.macd is None or found.macd_signal is None:
        return None
    above_mean = float(found.close) > found.bollinger_middle
    if above_mean != (found.macd > found.macd_signal):
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


def _macd(found: Indicators) -> dict[str, float | None] | None:
    return None if found.macd is None else {"value": found.macd, "signal": found.macd_signal}


def _bands(found: Indicators) -> dict[str, float | None] | None:
    if found.bollinger_middle is None:
        return None
    return {
        "upper": found.bollinger_upper,
        "middle": found.bollinger_middle,
        "lower": found.bollinger_lower,
    }
