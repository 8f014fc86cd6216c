"""When an alert fires, as plain functions. The set-based statement of `evaluation` does the same for all alerts at once."""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum


class AlertType(StrEnum):
    """What an alert watches."""

    PRICE = "price"
    PERCENT_CHANGE = "percent_change"
    VOLUME = "volume"
    PREDICTION = "prediction"
    RISK = "risk"
    PORTFOLIO = "portfolio"


class Condition(StrEnum):
    """How the watched value is compared with the threshold."""

    ABOVE = "above"
    BELOW = "below"
    CROSSES_ABOVE = "crosses_above"
    CROSSES_BELOW = "crosses_below"
    EQUAL = "equal"


def is_met(
    condition: Condition, threshold: Decimal, previous: Decimal | None, value: Decimal
) -> bool:
    """Whether the step from `previous` to `value` meets the condition; `previous` is None at the first evaluation.

    `above` and `below` are met when they begin to hold, so also at once where they hold from the start. A crossing
    needs a value on the other side before. `equal` is met on arriving at the threshold and on passing through it.
    """
    match condition:
        case Condition.ABOVE:
            return value > threshold and (previous is None or previous <= threshold)
        case Condition.BELOW:
            return value < threshold and (previous is None or previous >= threshold)
        case Condition.CROSSES_ABOVE:
            return previous is not None and previous <= threshold < value
        case Condition.CROSSES_BELOW:
            return previous is not None and previous >= threshold > value
        case Condition.EQUAL:
            return _arrives(threshold, previous, value)


def is_cooled_down(last_triggered_at: datetime | None, cooldown: timedelta, now: datetime) -> bool:
    """Whether so much time has passed since the last firing that the alert may fire again."""
    return last_triggered_at is None or last_triggered_at + cooldown <= now


def _arrives(threshold: Decimal, previous: Decimal | None, value: Decimal) -> bool:
    if value == threshold:
        return previous != threshold
    return previous is not None and min(previous, value) < threshold < max(previous, value)
