"""Limits of the whole process that no import may move."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def recursion_limit_kept() -> Iterator[None]:
    """Undo what imports do to the recursion limit: raised far enough, deep input ends the process by SIGSEGV.

    py_ecc, which eth_account imports, sets it to 100,000 for pairings that nobody here computes.
    """
    limit = sys.getrecursionlimit()
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
