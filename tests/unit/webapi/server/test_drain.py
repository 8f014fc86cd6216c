"""When gunicorn's master begins to drain, and when it ends."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from webapi.server.drain import Drain


def _master(seconds: float) -> tuple[SimpleNamespace, Drain, list[str]]:
    ended: list[str] = []
    master = SimpleNamespace(handle_term=lambda: ended.append("ended"))
    drain = Drain(seconds)
    drain.delay(master)
    return master, drain, ended


def test_where_no_front_asks_the_master_ends_at_once() -> None:
    master, drain, ended = _master(0)
    master.handle_term()
    assert (ended, drain.has_begun) == (["ended"], False)


_LAPSE = """
import signal
from types import SimpleNamespace
from webapi.server.drain import Drain
ended = []
master = SimpleNamespace(handle_term=lambda: ended.append("ended"))
master.signal = lambda number, _: master.handle_term() if number == signal.SIGTERM else None
drain = Drain({seconds})
drain.delay(master)
master.handle_term()
assert drain.has_begun and not ended
{then}
assert ended == ["ended"]
"""


@pytest.mark.parametrize(
    ("seconds", "then"), [(0.1, "signal.pause()"), (60, "master.handle_term()")]
)
def test_it_ends_when_the_time_has_lapsed_or_when_told_again(seconds: float, then: str) -> None:
    """In a process of its own: its alarm is one of the process."""
    script = _LAPSE.format(seconds=seconds, then=then)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
