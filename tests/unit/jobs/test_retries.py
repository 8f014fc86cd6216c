"""When a job runs again, and what its next try gives way to."""

from datetime import UTC, datetime
from types import SimpleNamespace

from coinsphere.errors import Unavailable
from coinsphere.jobs.retries import RetryPolicy


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
