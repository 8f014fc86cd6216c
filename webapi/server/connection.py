"""A client's connection, its state, and the deadline of that state."""

import math
import time
from enum import Enum, auto
from socket import SHUT_WR, socket
from typing import Any

from webapi.server.outbox import Outbox
from webapi.server.receiving import Receiver

HEAD_SECONDS = 10.0
"""From the first byte of a request until its head is there."""
REQUEST_SECONDS = 30.0
"""From the first byte of a request until the last."""
SEND_SECONDS = 10.0
LEAST_SENT = 64 * 1024
"""Bytes that a client must take in that time, as long as more wait for it."""
LINGER_SECONDS = 2.0
MOST_DRAINED = 256 * 1024


class State(Enum):
    """The state of a connection."""

    IDLE = auto()
    RECEIVING = auto()
    WORKING = auto()
    SENDING = auto()
    ENDING = auto()
    """We have said all; what still comes is read over, so that our last words are not lost (RFC 9112, section 9.6)."""


class Connection:
    """A client's connection, as gunicorn's `handle_request` wants it, and what the worker's loop knows of it.

    Args:
        config: gunicorn's.
        client: the accepted socket; it is never read from or written to but without blocking.
        address: of the client.
        server: the listener's address.
        network: whose connections are counted together; None where it is not counted.
    """

    def __init__(
        self, config: Any, client: socket, address: Any, server: Any, network: str | None
    ) -> None:
        client.settimeout(0)
        self.raw = client
        self.client, self.server, self.network = address, server, network
        self.sock = Outbox(client)
        self.receiver = Receiver(config, address)
        self.request: Any = None
        self.came_at: float | None = None
        """When a request of the lane came."""
        self.has_peer_ended = False
        self.is_kept = False
        self.watched = 0
        """For which event the loop watches it, of `selectors`; 0 for none."""
        self.state = State.IDLE
        self._idle_seconds = config.keepalive
        self._began_at = 0.0
        self._sent_before = 0
        self._drained = 0
        self.idle_since = time.monotonic()
        self.due = self.idle_since + self._idle_seconds

    def receive(self) -> bool:
        """Read what has arrived, without blocking. Returns whether the connection lives on. Raises OSError: it is broken."""
        data = self.raw.recv(65536)
        if self.state is State.ENDING:
            self._drained += len(data)
            return bool(data) and self._drained <= MOST_DRAINED
        self.has_peer_ended = not data
        self.receiver.add(data)
        return True

    def wait(self) -> None:
        """Wait for the rest of a request, or the next one."""
        now = time.monotonic()
        if self.receiver.is_empty:
            self.state, self.idle_since = State.IDLE, now
            self.due = now + self._idle_seconds
            return
        if self.state is not State.RECEIVING:
            self.state, self._began_at = State.RECEIVING, now
        patience = REQUEST_SECONDS if self.receiver.has_head else HEAD_SECONDS
        self.due = self._began_at + patience

    def work(self, request: Any) -> None:
        """Mark it as being answered by a thread."""
        self.state, self.request, self.due = State.WORKING, request, math.inf

    def send(self) -> None:
        """Mark it as waiting for the client to read."""
        self.state, self.due = State.SENDING, time.monotonic() + SEND_SECONDS
        self._sent_before = self.sock.sent

    def is_reading(self) -> bool:
        """Whether the client read enough since it was last asked; asks anew."""
        enough = self.sock.sent - self._sent_before >= LEAST_SENT
        self.send()
        return enough

    def end(self) -> None:
        """Close our side. Raises OSError: the connection is gone."""
        self.state, self.due = State.ENDING, time.monotonic() + LINGER_SECONDS
        self.raw.shutdown(SHUT_WR)
