"""Caches values in one process for a moment, until a change is announced to all processes of one API."""

import secrets
import time
from collections.abc import Hashable
from typing import Generic, TypeVar

_BYTES = 8

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Changes:
    """A number that changes whenever a change is announced.

    By itself one process tells itself; `share` makes it one number for all that have inherited the same memory.
    """

    def __init__(self) -> None:
        self._number = memoryview(bytearray(_BYTES)).cast("Q")

    def share(self, memory: memoryview) -> None:
        """Use this memory of 8 bytes, which other processes share."""
        self._number = memory.cast("Q")

    def stamp(self) -> int:
        """The present number; while it stays the same, no change was announced."""
        return self._number[0]

    def tell(self) -> None:
        """Announce a change: call it after the commit, and before the answer."""
        # At random: of two who count up at once one may write what stood there before the other.
        self._number[0] = secrets.randbits(8 * _BYTES)


class Memory(Generic[Key, Value]):
    """Values of this process, until their time is over or a change is announced.

    Args:
        changes: tells of changes.
        most: values to hold.
    """

    def __init__(self, changes: Changes, most: int) -> None:
        self._changes, self._most = changes, most
        self._kept: dict[Key, tuple[Value, float, int]] = {}

    def get(self, key: Key) -> Value | None:
        """The value; None if there is none, or no longer."""
        entry = self._kept.get(key)
        return entry[0] if entry is not None and self._holds(entry) else None

    def put(self, key: Key, value: Value, seconds: float, stamp: int) -> None:
        """Keep a value that was read after `stamp` was taken, unless a change was announced since."""
        if len(self._kept) >= self._most:
            kept = {each: entry for each, entry in list(self._kept.items()) if self._holds(entry)}
            self._kept = kept if len(kept) < self._most else {}
        self._kept[key] = value, time.monotonic() + seconds, stamp

    def _holds(self, entry: tuple[Value, float, int]) -> bool:
        return entry[2] == self._changes.stamp() and time.monotonic() < entry[1]
