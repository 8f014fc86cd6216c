"""Which errors are worth another try, and which are not.

Dagster retries whatever a step raises, as often as its `RetryPolicy` says. Errors that cannot pass by themselves are
turned into a `Failure` that forbids it, so a wrong setting fails at once and says so.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import psycopg

from coinsphere.errors import RateLimited, Unavailable
from ml.errors import RegistryUnavailable

TRANSIENT = (RateLimited, Unavailable, RegistryUnavailable, psycopg.OperationalError)
"""Errors that may pass: the provider or the registry is busy or away, the database restarts or has no connection."""

PATIENT = dg.RetryPolicy(
    max_retries=3, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
"""For work that runs hourly or more seldom: about 10, 30 and 70 s later."""

HASTY = dg.RetryPolicy(max_retries=1, delay=3, jitter=dg.Jitter.PLUS_MINUS)
"""For work of every minute: the next run comes soon enough."""


@contextmanager
def classified() -> Iterator[None]:
    """Let transient errors through to the retry policy, and forbid a retry of all others.

    Also a decorator: put it directly above an asset's function.

    Raises:
        dagster.RetryRequested: a provider said when to ask again.
        dagster.Failure: the error will not pass by itself; the cause is chained.
    """
    try:
        yield
    except (RateLimited, Unavailable) as error:
        if error.retry_after is None:
            raise
        raise dg.RetryRequested(PATIENT.max_retries, error.retry_after) from error
    except (*TRANSIENT, dg.Failure, dg.RetryRequested):
        raise
    except Exception as error:
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error
