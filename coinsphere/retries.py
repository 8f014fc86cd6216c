"""Retries: when a failed job runs again, and how long a busy server asks us to wait."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import psycopg
from procrastinate import RetryDecision, RetryStrategy
from procrastinate.jobs import Job

LONGEST_SECONDS = 86_400.0
"""Who asks for a longer pause is asked again after a day."""
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_BEHIND = -1
FAULT = (
    "It ended by a fault of ours, which was noted. Nothing that was stored is lost; try it again."
)
"""What people are told of a failure that nobody foresaw."""


class RetryPolicy(RetryStrategy):
    """Retries with growing pauses, and not before the failure's own `retry_after`.

    A job that waits for its next try comes behind those of its lock, which it would hold up until then.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When to try again; None: not at all."""
        if self.max_attempts is not None and job.attempts >= self.max_attempts:
            return None
        if self.retry_exceptions and not isinstance(exception, tuple(self.retry_exceptions)):
            return None
        asked = getattr(exception, "retry_after", None) or 0
        own = self.wait + self.exponential_wait ** (job.attempts + 1)
        return RetryDecision(retry_in={"seconds": int(max(own, asked))}, priority=_BEHIND)

    @contextmanager
    def closing(self, job: Job, close: Callable[[str], object]) -> Iterator[None]:
        """Close what a job leaves open if it fails and is not tried again: nobody should wait for it.

        Args:
            job: the one under way.
            close: told why; it opens a connection of its own, as that of the job may be what failed.
        """
        try:
            yield
        except Exception as error:
            if self.get_retry_decision(exception=error, job=job) is None:
                with suppress(psycopg.OperationalError):
                    close(FAULT)
            raise


def asked_pause(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that an answer asks to wait, a day at most; None where it does not say.

    `Retry-After` is a number of seconds or a date (RFC 9110 10.2.3).
    """
    text = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), LONGEST_SECONDS)
    until = _date(text)
    if until is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), LONGEST_SECONDS)


def _date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    # An HTTP date is in GMT, also one that says so in a form without a zone (asctime).
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
