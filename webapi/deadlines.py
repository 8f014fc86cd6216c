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


class Deadlines:
    """The connections that threads work on, and when each is overdue."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._due: dict[socket, float] = {}

    def begin(self, connection: socket) -> None:
        """A thread begins to read a request."""
        with self._lock:
            self._due[connection] = time.monotonic() + RECEIVE_SECONDS

    def received(self, connection: socket) -> None:
        """The whole request is there; a connection that nobody began is none of ours."""
        with self._lock:
            if connection in self._due:
                self._due[connection] += REQUEST_SECONDS - RECEIVE_SECONDS

    def end(self, connection: socket) -> None:
        """The thread is done with it."""
        with self._lock:
            self._due.pop(connection, None)

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
