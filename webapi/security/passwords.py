"""Passwords: argon2id at the OWASP cheat sheet's cost, and never more hashes at once than the machine bears."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from webapi import errors, metrics

MIN_CHARACTERS = 8
MAX_BYTES = 256

MEMORY_KIB = 19 * 1024
PASSES = 2
LANES = 1

CONCURRENT = 2
QUEUE_SECONDS = 1.0


class Passwords:
    """Hashes and verifies; one object a process, as it holds the process's limit.

    Args:
        concurrent: hashes computed at once; each takes 19 MiB and a core for some 20 ms.
        queue_seconds: a request that has waited for so long is told to come back.
    """

    def __init__(self, concurrent: int = CONCURRENT, queue_seconds: float = QUEUE_SECONDS) -> None:
        self._hasher = argon2.PasswordHasher(
            time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES
        )
        self._slots = BoundedSemaphore(concurrent)
        self._queue_seconds = queue_seconds
        self._nobodys = self._hasher.hash("the password of an account that does not exist")

    def hash(self, password: str) -> str:
        """PHC string of `password`. Raises `errors.Problem` with status 503 when too many wait."""
        with self._slot():
            return self._hasher.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` matches; takes as long where there is no account (`stored` is None).

        Raises:
            errors.Problem: 503 when too many wait.
        """
        with self._slot():
            try:
                matches = self._hasher.verify(stored or self._nobodys, password)
            except (VerificationError, InvalidHashError):
                return False
        return matches and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether `stored` was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=self._queue_seconds):
            metrics.PASSWORD_QUEUE_REFUSALS.inc()
            raise errors.unavailable(
                "too many logins at once", detail="Try again in a moment.", code="busy"
            )
        try:
            yield
        finally:
            self._slots.release()


def problem_with(password: str) -> str | None:
    """Why `password` may not be chosen; None if it may."""
    if len(password) < MIN_CHARACTERS:
        return f"must have at least {MIN_CHARACTERS} characters"
    if len(password.encode()) > MAX_BYTES:
        return f"must have at most {MAX_BYTES} bytes"
    return None
