"""Samples the state of each API worker every few seconds: pool, circuit breaker, waiting passwords.

A gauge of several processes cannot be asked for its value at a scrape, which one of them answers for all.
"""

import time
from threading import Thread

from webapi.observability import metrics
from webapi.services import Services

_SECONDS = 5.0


def start(work: Services) -> None:
    """Take samples in a thread of this worker, as long as it lives."""
    Thread(target=_go_on, args=(work,), name="samples", daemon=True).start()


def note(work: Services) -> None:
    """Take one sample."""
    stats = work.database.stats()
    for key, each in metrics.POOL.items():
        each.set(stats.get(key, 0))
    metrics.CACHE_LEFT_ALONE.set(float(work.cache.pool.breaker.is_open))
    metrics.PASSWORD_QUEUE.set(work.passwords.waiting)


def _go_on(work: Services) -> None:
    while True:
        note(work)
        time.sleep(_SECONDS)
