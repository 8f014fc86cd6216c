"""Memory that was freed in holes goes back to the machine."""

import sys

import psutil
import pytest

from coinsphere import garbage

KIB = 1024


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_holes_are_given_back() -> None:
    blocks = [(bytearray(100 * KIB), bytearray(KIB)) for _ in range(400)]
    living = [small for _, small in blocks]
    del blocks
    before = psutil.Process().memory_info().rss

    garbage.give_back_what_is_free()

    assert psutil.Process().memory_info().rss < before - 20_000 * KIB
    assert len(living) == 400
