"""Hands a client's connection over from the API's process to the stream's: one origin for both, and no relay between.

The API accepts and reads the head of a request; where it asks for a WebSocket, the socket itself is sent over a Unix
socket (SCM_RIGHTS, unix(7)) together with what was read, and the API is rid of it. Only this user may enter the folder.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATH = "/api/v1/ws"
MOST_BYTES = 128 * 1024
"""Of what was read from a connection before it is handed over."""
_NAME_BYTES = 108
_BACKLOG = 128


def give(path: Path, connection: socket.socket, begun: bytes) -> None:
    """Hand a connection over, without waiting.

    Args:
        path: the Unix socket at which the stream takes them.
        connection: the accepted socket; the caller closes its own end of it.
        begun: what was read from it.

    Raises:
        OSError: nobody takes it.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as courier, _short(path) as name:
        courier.setblocking(False)  # noqa: FBT003 - its only parameter
        courier.connect(name)
        socket.send_fds(courier, [begun], [connection.fileno()])


class HandoverSocket:
    """The Unix socket at which connections are received.

    Args:
        path: the Unix socket; one that a dead process left is replaced.
        take: is called with each connection and what was read from it before.
    """

    def __init__(self, path: Path, take: Callable[[socket.socket, bytes], object]) -> None:
        self._path, self._take = path, take
        self._loop = asyncio.get_running_loop()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._couriers: set[socket.socket] = set()

    def open(self) -> None:
        """Start to receive connections. Raises OSError: the folder cannot be written to."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        with _short(self._path) as name:
            self._listener.bind(name)
            self._path.chmod(0o600)
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)  # noqa: FBT003
        self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Receive no more."""
        self._loop.remove_reader(self._listener)
        self._listener.close()
        self._path.unlink(missing_ok=True)
        for courier in list(self._couriers):
            self._dismiss(courier)

    def _accept(self) -> None:
        with suppress(OSError):
            courier, _ = self._listener.accept()
            courier.setblocking(False)  # noqa: FBT003
            self._couriers.add(courier)
            self._loop.add_reader(courier, self._receive, courier)

    def _receive(self, courier: socket.socket) -> None:
        descriptors: list[int] = []
        with suppress(OSError):
            begun, descriptors, _, _ = socket.recv_fds(courier, MOST_BYTES, 1)
        self._dismiss(courier)
        for descriptor in descriptors:
            self._take(socket.socket(fileno=descriptor), begun)

    def _dismiss(self, courier: socket.socket) -> None:
        self._loop.remove_reader(courier)
        self._couriers.discard(courier)
        courier.close()


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name of `path` that fits into a socket's address, by way of its open folder."""
    if len(os.fsencode(path)) < _NAME_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
