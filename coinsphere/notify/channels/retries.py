"""The retry policy of messages: when one is sent again, and when its channel is switched off. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from coinsphere.notify.channels.receiver import Verdict

GIVEN_UP = timedelta(days=3)
"""A channel that took nothing for so long is switched off, and a message as old is not tried again."""
WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (60, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""Standard Webhooks' schedule: after a minute, five, half an hour, 2, 5, 10, 14, 20 and 24 hours."""


@dataclass(frozen=True, slots=True)
class Health:
    """A channel's record of failures.

    Attributes:
        failures: attempts in a row that no message got through.
        failing_since: when it last began to take nothing; None while it takes something.
        retry_at: before that nothing is tried.
        is_over: whether it is switched off.
    """

    failures: int = 0
    failing_since: datetime | None = None
    retry_at: datetime | None = None
    is_over: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """A message's attempts; where it `is_over` it is not tried again."""

    created_at: datetime
    attempts: int = 0
    due_at: datetime | None = None
    is_over: bool = False


def wait(attempts: int) -> timedelta:
    """The pause after so many failed attempts, at least one."""
    return WAITS[min(attempts, len(WAITS)) - 1]


def judged(
    health: Health, trial: Trial, verdict: Verdict, now: datetime, asked: timedelta | None = None
) -> tuple[Health, Trial]:
    """The state of channel and message after an attempt.

    A receiver that is away rests with all its messages; one that refuses a message gets the others meanwhile.

    Args:
        health: of the channel before.
        trial: of the message before.
        verdict: what came of it.
        now: when.
        asked: for how long the receiver asks to be left alone.
    """
    tried = replace(trial, attempts=trial.attempts + 1)
    if verdict is Verdict.TAKEN:
        return Health(), replace(tried, is_over=True)
    since = health.failing_since or now
    if verdict is Verdict.GONE or now - since >= GIVEN_UP:
        return replace(health, failing_since=since, is_over=True), replace(tried, is_over=True)
    failures = health.failures + (verdict is Verdict.AWAY)
    again = now + max(wait(max(failures, tried.attempts)), asked or timedelta())
    rests = again if verdict is Verdict.AWAY else health.retry_at
    is_over = now - trial.created_at >= GIVEN_UP
    return (
        Health(failures, since, rests),
        replace(tried, due_at=again, is_over=is_over),
    )
