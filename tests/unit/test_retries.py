"""How long a busy server asks us to wait, in both forms, and what a job's next try gives way to."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from coinsphere.errors import Unavailable
from coinsphere.retries import LONGEST_SECONDS, RetryPolicy, asked_pause

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("1.5", 1.5),
        (" 7 ", 7),
        ("Tue, 10 Mar 2026 12:31:00 GMT", 60),
        ("Tuesday, 10-Mar-26 12:31:00 GMT", 60),
        ("Tue Mar 10 12:31:00 2026", 60),
        ("Tue, 10 Mar 2026 12:29:00 GMT", 0),
        ("Tue, 10 Mar 2099 12:29:00 GMT", LONGEST_SECONDS),
        ("9" * 400, LONGEST_SECONDS),
        *((nonsense, None) for nonsense in ("", "soon", "inf", "nan", "-5", "1e9", "٣", "Tue, 99 Mar 2026 12:31:00 GMT")),
    ],
)  # fmt: skip
def test_a_pause_is_asked_for_in_seconds_or_as_a_date(text, seconds):
    assert asked_pause({"retry-After": text}, NOW) == seconds


def test_an_answer_that_asks_for_no_pause_has_none():
    assert asked_pause({"Date": "Tue, 10 Mar 2026 12:31:00 GMT"}, NOW) is None


def test_the_next_try_comes_behind_others_and_not_before_it_was_asked_for():
    patience = RetryPolicy(max_attempts=3, exponential_wait=4, retry_exceptions=(Unavailable,))
    job = SimpleNamespace(attempts=0)
    before = datetime.now(UTC)
    decision = patience.get_retry_decision(exception=Unavailable("x", "y", 900.0), job=job)
    assert decision.priority < 0
    assert (decision.retry_at - before).total_seconds() >= 899
    assert patience.get_retry_decision(exception=ValueError(), job=job) is None
    job.attempts = 3
    assert patience.get_retry_decision(exception=Unavailable("x", "y"), job=job) is None
