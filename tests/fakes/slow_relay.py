"""A relay before a local server that keeps each answer back for a while, and counts what it passed on."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

_PART = 1 << 16


@dataclass
class SlowRelay:
    """The running relay; `delay` is in seconds, `questions` counts what came from clients."""

    port: int
    delay: float = 0.0
    questions: int = 0


@contextmanager
def relaying(port: int) -> Iterator[SlowRelay]:
    """Pass on to a port of this machine what comes to a free one."""
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    relay = SlowRelay(server.getsockname()[1])

    def ask(client: socket.socket, behind: socket.socket) -> None:
        with suppress(OSError):
            while part := client.recv(_PART):
                relay.questions += 1
                behind.sendall(part)
            behind.shutdown(socket.SHUT_RDWR)

    def answer(client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", port)) as behind:
            threading.Thread(target=ask, args=[client, behind], daemon=True).start()
            while part := behind.recv(_PART):
                time.sleep(relay.delay)
                client.sendall(part)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=answer, args=[client], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield relay
    finally:
        server.close()
