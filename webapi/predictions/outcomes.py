"""The outcome of a forecast, judged by the five prices that were published."""

import math
from dataclasses import dataclass
from decimal import Decimal

from webapi.predictions import distribution
from webapi.predictions.queries import Stored

_STEP = Decimal("0.00000001")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a forecast.

    Attributes:
        error: the median less the price that came, US dollars.
        within80: whether that price lay in the 80 % interval, ends included.
        within95: the same of 95 %.
        pinball_loss: mean over the five quantiles, of log returns; smaller is better.
        probability_below: what the forecast gave to lower prices, straight between its quantiles (its PIT value).
    """

    error: Decimal | None = None
    within80: bool | None = None
    within95: bool | None = None
    pinball_loss: Decimal | None = None
    probability_below: Decimal | None = None


UNKNOWN = Outcome()


def of(row: Stored) -> Outcome:
    """The outcome; `UNKNOWN` until the candle is final, and for ever if the day was not traded."""
    came = row.realised_price
    if came is None:
        return UNKNOWN
    quantiles = {
        0.025: row.lower95,
        0.1: row.lower80,
        0.5: row.median,
        0.9: row.upper80,
        0.975: row.upper95,
    }
    return Outcome(
        row.median - came,
        row.lower80 <= came <= row.upper80,
        row.lower95 <= came <= row.upper95,
        _rounded(sum(_loss(level, price, came) for level, price in quantiles.items()) / 5),
        _rounded(distribution.probability_below(quantiles, came)),
    )


def _loss(level: float, price: Decimal, came: Decimal) -> float:
    above = math.log(came / price)
    return max(level * above, (level - 1) * above)


def _rounded(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(_STEP)
