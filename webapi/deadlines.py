"""How long one request may hold a thread: a client that sends, or reads, too slowly is cut off.

gunicorn's threads read and write without an end of their own: sixteen clients that send a byte a second would take all
threads of a machine. The worker's main loop looks once a second and shuts the sockets that are overdue; the thread then
reads the end of the connection, and is free.
"""

import time
from contextlib import suppress
from socket import SHUT_RDWR, socket
from threading import Lock

RECEIVE_SECONDS = 10.0
"""From the first byte until the whole request is there."""
REQUEST_SECONDS = 30.0
"""From the first byte until the whole answer is sent."""
LANE_RECEIVE_SECONDS = 3.0
"""The same for the whole request of a login: its few threads must not be held by who sends slowly."""
LANE_WAIT_SECONDS = 1.0
"""A login that has waited for so long for a thread is not begun: who sent it is told to come back."""


class Deadlines:
    """The connections that threads work on, and when each is overdue."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._due: dict[socket, float] = {}
        self._late: set[socket] = set()

    def begin(self, connection: socket) -> None:
        """A thread begins to read a request."""
        with self._lock:
            self._due[connection] = time.monotonic() + RECEIVE_SECONDS

    def begin_in_lane(self, connection: socket, waited: float) -> None:
        """One of the threads of logins begins to read a request that has waited for it so many seconds."""
        with self._lock:
            self._due[connection] = time.monotonic() + LANE_RECEIVE_SECONDS
            if waited > LANE_WAIT_SECONDS:
                self._late.add(connection)

    def is_late(self, connection: socket) -> bool:
        """Whether the request has waited for too long to be worth an answer."""
        return connection in self._late

    def received(self, connection: socket) -> None:
        """The whole request is there; a connection that nobody began is none of ours."""
        with self._lock:
            if connection in self._due:
                self._due[connection] += REQUEST_SECONDS - RECEIVE_SECONDS

    def extend(self, connection: socket, seconds: float) -> None:
        """Leave more time to send an answer that is large, and there."""
        with self._lock:
            if connection in self._due:
                self._due[connection] += seconds

    def end(self, connection: socket) -> None:
        """The thread is done with it."""
        with self._lock:
            self._due.pop(connection, None)
            self._late.discard(connection)

    def cut_overdue(self) -> int:
        """Shut the connections that are overdue; how many they were."""
        now = time.monotonic()
        with self._lock:
            overdue = [connection for connection, due in self._due.items() if due <= now]
            for connection in overdue:
                del self._due[connection]
                # Not closed: the thread still holds it, and its number may be another's by then.
                with suppress(OSError):
                    connection.shutdown(SHUT_RDWR)
        return len(overdue)


deadlines = Deadlines()
"""Those of this process."""
