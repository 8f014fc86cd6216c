"""The retry policy of background jobs, and the closing of what a job that is given up left open."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
from procrastinate import RetryDecision, RetryStrategy
from procrastinate.jobs import Job

_BEHIND = -1
FAULT = (
    "It ended by a fault of ours, which was noted. Nothing that was stored is lost; try it again."
)
"""What people are told of a failure that nobody foresaw."""


class RetryPolicy(RetryStrategy):
    """Retries with growing pauses, and not before the error's own `retry_after`.

    A job that waits for its next try comes behind those of its lock, which it would hold up until then.
    """

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When to try again; None for never."""
        if self.max_attempts is not None and job.attempts >= self.max_attempts:
            return None
        if self.retry_exceptions and not isinstance(exception, tuple(self.retry_exceptions)):
            return None
        asked = getattr(exception, "retry_after", None) or 0
        own = self.wait + self.exponential_wait ** (job.attempts + 1)
        return RetryDecision(retry_in={"seconds": int(max(own, asked))}, priority=_BEHIND)

    @contextmanager
    def closing(self, job: Job, close: Callable[[str], object]) -> Iterator[None]:
        """Close what a job leaves open when it fails for good, so that nobody waits for it.

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
