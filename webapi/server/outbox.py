"""Sends answers without blocking a thread: as much as the connection takes at once, the rest when it is ready."""

from socket import socket
from tempfile import SpooledTemporaryFile
from typing import IO

_AT_ONCE = 64 * 1024
_IN_MEMORY = 1024 * 1024
MOST = 256 * 1024 * 1024
"""Bytes of one answer that may wait, in a file past the first mebibyte."""
_PART = 256 * 1024


class Outbox:
    """Stands in for a connection's socket where gunicorn writes an answer.

    A thread writes while it works on a request, the worker's loop before and after, never both.

    Args:
        connection: does not block.
    """

    def __init__(self, connection: socket) -> None:
        self.sent = 0
        self._connection = connection
        self._gathered: list[bytes] = []
        self._size = 0
        self._file: IO[bytes] | None = None
        self._read, self._written = 0, 0

    @property
    def waiting(self) -> int:
        """Bytes that are still to be sent."""
        return self._size + self._written - self._read

    def sendall(self, data: bytes) -> None:
        """Queue bytes to be sent.

        Raises:
            OSError: the connection is gone, or too much of the answer waits.
        """
        self._gathered.append(data)
        self._size += len(data)
        if self._size > _AT_ONCE:
            self.push()

    def push(self) -> None:
        """Send the queued bytes, keeping those that the connection does not take. Raises OSError as `sendall`."""
        data = b"".join(self._gathered)
        self._gathered.clear()
        self._size = 0
        rest = data if self._file is not None else data[self._sent_of(data) :]
        if not rest:
            return
        if self.waiting + len(rest) > MOST:
            raise OSError("an answer is too large for one who does not read it")
        if self._file is None:
            self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed when it is sent
        self._file.seek(self._written)
        self._file.write(rest)
        self._written += len(rest)

    def send_more(self) -> None:
        """Send more of the queued bytes. Raises OSError: the connection is gone."""
        if self._file is None:
            return
        self._file.seek(self._read)
        self._read += self._sent_of(self._file.read(_PART))
        if self._read == self._written:
            self.drop()

    def drop(self) -> None:
        """Drop the queued bytes."""
        if self._file is not None:
            self._file.close()
        self._file, self._read, self._written = None, 0, 0
        self._gathered.clear()
        self._size = 0

    def shutdown(self, _: int) -> None:
        """Does nothing: gunicorn would wait for the client on a thread here; the loop does it instead."""
        raise OSError("the worker's loop ends connections")

    def close(self) -> None:
        """Does nothing: see `shutdown`."""

    def _sent_of(self, data: bytes) -> int:
        if not data:
            return 0
        try:
            count = self._connection.send(data)
        except BlockingIOError:
            return 0
        self.sent += count
        return count
