"""The experiments: the flag of each, the metric that decides it, and those that must not get worse.

An experiment runs while a rule of its flag draws between variants; those whom the rule is for take part. The control is
the flag's default.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from coinsphere.flags.catalogue import ALERT_MAIL_WORDING, Flag


class Metric(StrEnum):
    """What somebody who takes part did, at least once."""

    ALERT_USEFUL = "alert-useful"
    """Said by the link in a mail that the alert was useful."""
    ALERT_NOT_USEFUL = "alert-not-useful"
    """Said that it was not."""
    ALERT_ENDED = "alert-ended"
    """Switched an alert off, or deleted it."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment: the flag whose variants are compared, and by what.

    Attributes:
        flag: whose variants.
        metric: the part of users that did this decides; more is better.
        guards: what must not be done more often than by those who have the control.
        effect: the least difference of `metric` that matters, as a part of 1.
        within: what is done so long after the first exposure counts; a user is counted when that is over.
    """

    flag: Flag
    metric: Metric
    guards: tuple[Metric, ...]
    effect: float
    within: timedelta

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """All metrics that are counted."""
        return (self.metric, *self.guards)


EXPERIMENTS = (
    Experiment(
        ALERT_MAIL_WORDING,
        Metric.ALERT_USEFUL,
        (Metric.ALERT_NOT_USEFUL, Metric.ALERT_ENDED),
        effect=0.03,
        within=timedelta(days=7),
    ),
)


def flags_that_count(metric: Metric) -> list[str]:
    """The keys of the flags whose experiments count it."""
    return [each.flag.key for each in EXPERIMENTS if metric in each.metrics]
