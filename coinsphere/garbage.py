"""What a process holds of memory that it does not need, and what of its objects the garbage collector need not look at."""

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

_SPARED_AT_ONCE = 100
_LEFT_AT_ONCE = 1_000


@contextmanager
def loading() -> Iterator[None]:
    """Load an application without collecting meanwhile, and freeze it: all that is loaded stays.

    The collector would look four times at everything that was loaded so far: a fifth of an API's start.
    """
    gc.disable()
    try:
        yield
        spare_what_is_loaded()
    finally:
        gc.enable()


def spare_what_is_loaded() -> None:
    """Freeze all present objects. Called when a process is ready to serve; objects made later are collected as usual.

    A full collection of an API's worker looks at 300,000 objects of its libraries and stops all of its threads for up to a
    second on a busy machine. Frozen, they are left alone, and a full collection takes a millisecond or two
    (docs.python.org/3/library/gc.html#gc.freeze).
    """
    gc.collect()
    gc.freeze()


def give_back_what_is_free() -> None:
    """Collect, and give the machine what lies free between blocks that live on; elsewhere than on glibc it keeps that.

    glibc gives back by itself what lies at the end of its heap alone. Work that makes many arrays and is done seldom leaves
    holes as large as they were, and each time others (malloc_trim(3)). It takes some 10 ms where what is loaded is spared.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class Crowd:
    """Spares the objects of thousands who stay for long, as clients that are connected: to look through them stops a process for half a second.

    What those who left have left in cycles is collected once they are half as many as those who are here, and a thousand.
    """

    def __init__(self) -> None:
        self._here = self._new = self._left = 0

    def enter(self) -> None:
        """One more is here."""
        self._here += 1
        self._new += 1
        if self._new >= _SPARED_AT_ONCE:
            self._new = 0
            spare_what_is_loaded()

    def leave(self) -> None:
        """One less is here."""
        self._here -= 1
        self._left += 1
        if self._left >= max(_LEFT_AT_ONCE, self._here // 2):
            self._left = 0
            gc.unfreeze()
            spare_what_is_loaded()
