"""Memory that was freed in holes goes back to the machine."""

import gc
import subprocess
import sys
import weakref

import pytest

from coinsphere import garbage

_HOLES = """
import psutil
from coinsphere import garbage

blocks = [(bytearray(100 * 1024), bytearray(1024)) for _ in range(400)]
living = [small for _, small in blocks]
del blocks
before = psutil.Process().memory_info().rss
garbage.give_back_what_is_free()
assert psutil.Process().memory_info().rss < before - 20_000 * 1024
assert len(living) == 400
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_holes_are_given_back() -> None:
    """In a process of its own: what others did in this one decides where its heap has holes."""
    subprocess.run([sys.executable, "-c", _HOLES], check=True, timeout=60)


class _Client:
    """Holds itself, so that the collector alone frees it."""

    def __init__(self) -> None:
        self.own = self


def test_who_stays_is_not_looked_through_and_who_left_is_freed(monkeypatch) -> None:
    monkeypatch.setattr(garbage, "_LEFT_AT_ONCE", 10)
    crowd, clients = garbage.Crowd(), [_Client() for _ in range(100)]
    gc.unfreeze()
    try:
        for _ in clients:
            crowd.enter()
        assert gc.get_freeze_count() > 100
        told = [weakref.ref(client) for client in clients]
        clients.clear()
        gc.collect()
        assert None not in [each() for each in told]
        for _ in range(50):
            crowd.leave()
        assert [each() for each in told] == [None] * 100
    finally:
        gc.unfreeze()
