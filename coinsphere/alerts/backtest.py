"""Finds when an alert would have fired on past values, by the same rules as live ones. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from coinsphere.alerts import rules
from coinsphere.alerts.repository import NewAlert


@dataclass(frozen=True, slots=True)
class Moment:
    """A past value, and the instant it held at."""

    at: datetime
    value: Decimal


def firings(wanted: NewAlert, past: Sequence[Moment]) -> list[Moment]:
    """The moments at which an alert would have fired.

    The first value is what the others are compared with: that a condition held already is no firing.

    Args:
        wanted: the alert.
        past: what it watches, oldest first; between two of them nothing is known.
    """
    if not past:
        return []
    fired: list[Moment] = []
    cooldown = timedelta(seconds=wanted.cooldown_seconds)
    previous, is_armed = past[0].value, True
    for each in past[1:]:
        is_armed = is_armed or rules.is_rearmed(
            wanted.condition, wanted.threshold, wanted.hysteresis, each.value
        )
        is_cool = rules.is_cooled_down(fired[-1].at if fired else None, cooldown, each.at)
        is_met = rules.is_met(wanted.condition, wanted.threshold, previous, each.value)
        if is_armed and is_cool and is_met:
            fired.append(each)
            is_armed = not wanted.hysteresis
        previous = each.value
    return fired
