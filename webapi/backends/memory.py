"""What one process remembers for a moment, and the word that makes all processes of one API forget it at once."""

import secrets
import time
from collections.abc import Hashable
from typing import Generic, TypeVar

_BYTES = 8

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Changes:
    """Whether something has changed since a moment: a number that is another one after each change.

    By itself one process tells itself; `share` makes it one number for all that have inherited the same memory.
    """

    def __init__(self) -> None:
        self._number = memoryview(bytearray(_BYTES)).cast("Q")

    def share(self, memory: memoryview) -> None:
        """Use this memory (8 bytes) from now on, which others share."""
        self._number = memory.cast("Q")

    def stamp(self) -> int:
        """What to compare later: the same number means that nothing was told since."""
        return self._number[0]

    def tell(self) -> None:
        """Make everybody forget. Tell after the change, and before it is answered."""
        # At random: of two who count up at once one may write what stood there before the other.
        self._number[0] = secrets.randbits(8 * _BYTES)


class Memory(Generic[Key, Value]):
    """Values that this process holds until their time is over, or a change is told.

    Args:
        changes: tells of changes.
        most: values to hold.
    """

    def __init__(self, changes: Changes, most: int) -> None:
        self._changes, self._most = changes, most
        self._kept: dict[Key, tuple[Value, float, int]] = {}

    def get(self, key: Key) -> Value | None:
        """What is remembered; None if nothing is, or not any more."""
        found = self._kept.get(key)
        return found[0] if found is not None and self._holds(found) else None

    def put(self, key: Key, value: Value, seconds: float, stamp: int) -> None:
        """Remember for a time what was read after `stamp` was taken: a change that was told since then counts."""
        if len(self._kept) >= self._most:
            kept = {each: found for each, found in list(self._kept.items()) if self._holds(found)}
            self._kept = kept if len(kept) < self._most else {}
        self._kept[key] = value, time.monotonic() + seconds, stamp

    def _holds(self, found: tuple[Value, float, int]) -> bool:
        return found[2] == self._changes.stamp() and time.monotonic() < found[1]
