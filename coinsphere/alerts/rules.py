"""The rules by which an alert fires, as plain functions; the statement in `evaluation` applies the same to all alerts at once."""

from datetime import datetime, timedelta
from decimal import Context, Decimal
from enum import StrEnum


class AlertType(StrEnum):
    """What an alert watches."""

    PRICE = "price"
    PERCENT_CHANGE = "percent_change"
    VOLUME = "volume"
    PREDICTION = "prediction"
    RISK = "risk"
    PORTFOLIO = "portfolio"
    VOLATILITY = "volatility"
    DRAWDOWN = "drawdown"
    STALE_DATA = "stale_data"
    RECONCILIATION = "reconciliation"


class Condition(StrEnum):
    """How the watched value is compared with the threshold."""

    ABOVE = "above"
    BELOW = "below"
    CROSSES_ABOVE = "crosses_above"
    CROSSES_BELOW = "crosses_below"
    EQUAL = "equal"


IN_DOLLARS = (AlertType.PRICE, AlertType.VOLUME, AlertType.PORTFOLIO)
OF_PORTFOLIOS = (AlertType.PORTFOLIO, AlertType.RECONCILIATION)
"""What is watched of a portfolio; everything else is of a token."""
_UP_TO_A_HUNDRED = (AlertType.RISK, AlertType.DRAWDOWN)
_FROM_ZERO = (*_UP_TO_A_HUNDRED, AlertType.STALE_DATA, AlertType.RECONCILIATION)
"""May be exactly zero; all else only comes near the end of its range."""
_UPWARD = (Condition.ABOVE, Condition.CROSSES_ABOVE)
_DOWNWARD = (Condition.BELOW, Condition.CROSSES_BELOW)
_HUNDRED = 100
_SMALLEST = Decimal("1e-18")
_INFINITY = Decimal("Infinity")
_EXACT = Context(prec=80)
"""Any sum of two numeric(38,18), as PostgreSQL counts."""


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


def is_rearmed(
    condition: Condition, threshold: Decimal, hysteresis: Decimal, value: Decimal
) -> bool:
    """Whether `value` has gone back far enough behind the threshold for an alert that fired to fire again.

    So a price that trembles around its threshold fires once. Without hysteresis every value is.
    """
    if condition in _UPWARD:
        return value <= _EXACT.subtract(threshold, hysteresis) or not hysteresis
    if condition in _DOWNWARD:
        return value >= _EXACT.add(threshold, hysteresis) or not hysteresis
    return abs(_EXACT.subtract(value, threshold)) >= hysteresis


def unchanging(
    condition: Condition,
    threshold: Decimal,
    hysteresis: Decimal,
    previous: Decimal | None,
    *,
    is_armed: bool,
) -> tuple[Decimal, Decimal]:
    """The open interval of values at which an alert neither passes its threshold nor is armed again; empty where any may do so."""
    if previous is None or previous == threshold:
        return _INFINITY, -_INFINITY
    lows = [threshold] if previous > threshold else []
    highs = [threshold] if previous < threshold else []
    if not is_armed and condition not in _DOWNWARD:
        lows.append(_EXACT.subtract(threshold, hysteresis))
    if not is_armed and condition not in _UPWARD:
        highs.append(_EXACT.add(threshold, hysteresis))
    return max(lows, default=-_INFINITY), min(highs, default=_INFINITY)


def usual_hysteresis(alert_type: AlertType, condition: Condition, threshold: Decimal) -> Decimal:
    """The default hysteresis: one percent of a threshold in dollars, else one point; none where a value could never go back so far."""
    usual = Decimal(1)
    if alert_type in IN_DOLLARS:
        usual = _EXACT.quantize(_EXACT.divide(threshold, Decimal(100)), _SMALLEST)
    return (
        usual if hysteresis_fault(alert_type, condition, threshold, usual) is None else Decimal(0)
    )


def threshold_fault(alert_type: AlertType, condition: Condition, threshold: Decimal) -> str | None:
    """Why an alert with this threshold could never fire, or would hold always; None where it can do both."""
    low, high = _range(alert_type)
    if alert_type in _UP_TO_A_HUNDRED and not 0 <= threshold <= _HUNDRED:
        return "must be between 0 and 100"
    is_end_reached = alert_type in _FROM_ZERO
    if low is not None and (threshold < low or (threshold == low and not is_end_reached)):
        return f"must be greater than {low}"
    if threshold == low and condition in _DOWNWARD:
        return f"can never be met: no value is below {low}"
    if threshold == high and condition in _UPWARD:
        return f"can never be met: no value is above {high}"
    return None


def hysteresis_fault(
    alert_type: AlertType, condition: Condition, threshold: Decimal, hysteresis: Decimal
) -> str | None:
    """Why an alert that fired once could never fire again; None where it can."""
    low, high = _range(alert_type)
    is_end_reached = alert_type in _FROM_ZERO
    back, forth = _EXACT.subtract(threshold, hysteresis), _EXACT.add(threshold, hysteresis)
    is_low_free = low is None or back > low or (back == low and is_end_reached)
    is_high_free = high is None or forth <= high
    free = {
        True: is_low_free if condition in _UPWARD else is_high_free,
        False: is_low_free or is_high_free,
    }[condition is not Condition.EQUAL]
    return None if free or not hysteresis else "is so great that no value goes back so far"


def _range(alert_type: AlertType) -> tuple[Decimal | None, Decimal | None]:
    """Between which numbers values lie: nothing falls by more than all of it."""
    if alert_type in (AlertType.PERCENT_CHANGE, AlertType.PREDICTION):
        return Decimal(-100), None
    return Decimal(0), Decimal(_HUNDRED) if alert_type in _UP_TO_A_HUNDRED else None


def is_cooled_down(last_triggered_at: datetime | None, cooldown: timedelta, now: datetime) -> bool:
    """Whether so much time has passed since the last firing that the alert may fire again."""
    return last_triggered_at is None or last_triggered_at + cooldown <= now


def _arrives(threshold: Decimal, previous: Decimal | None, value: Decimal) -> bool:
    if value == threshold:
        return previous != threshold
    return previous is not None and min(previous, value) < threshold < max(previous, value)
