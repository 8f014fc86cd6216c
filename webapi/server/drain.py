"""The time between the word that the API ends and its end, in which whoever stands in front learns of it.

Who closes a kept connection may lose a request that is on its way. So while it drains, `/health/ready` says 503, all else is
served as before, and each answer ends its connection: by the end nobody in front sends anything here, or keeps a connection.
"""

import mmap
import signal
from typing import Any

GRACEFUL_SECONDS = 20
"""At the end, for requests that are under way."""
KEPT_SECONDS = 5
"""How long a client's connection may be silent."""
KEPT_BEHIND_A_FRONT_SECONDS = 130
"""Longer than any front keeps one (AWS's balancer 120 s, nginx 60 s): it is the front that closes it, and loses no request by that."""


class Drain:
    """Delays the end of gunicorn's master, and tells its workers meanwhile.

    Args:
        seconds: how long; 0 ends at once.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # Made before the first fork, so each worker sees what the master writes.
        self._memory = memoryview(mmap.mmap(-1, mmap.PAGESIZE))[:1]

    @property
    def has_begun(self) -> bool:
        """Whether the master was told to end."""
        return self._memory[0] == 1

    def delay(self, master: Any) -> None:
        """Have SIGTERM begin the time, and its lapse or a second SIGTERM end gunicorn's `master`."""
        end = master.handle_term

        def begin_or_end() -> None:
            if self.has_begun or not self._seconds:
                end()
            else:
                self._begin(master)

        master.handle_term = begin_or_end

    def _begin(self, master: Any) -> None:
        self._memory[0] = 1
        signal.signal(signal.SIGALRM, lambda *_: master.signal(signal.SIGTERM, None))
        signal.setitimer(signal.ITIMER_REAL, self._seconds)
