"""A client's connection, limited by address and refused in the API's format, and how it is sent what waits for it.

No task sends: a connection is called when something waits, and when its client takes more again. What waited meanwhile goes
out by one write, and a message that many get is made a frame once.
"""

import asyncio
from collections import Counter
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from coinsphere.network.client_networks import network
from coinsphere.stream import counters, handshake
from coinsphere.stream.hub import Client

_SHARED_FRAMES = 256
"""Prices of a moment, as frames."""


class Openings:
    """Counts the connections of each address that have not authenticated yet.

    Those that have are bounded by user. One that says nothing is cut off after some seconds, and holds a socket until then.

    Args:
        most: of one address; 0: any number.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._of_network: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Count one more. Returns False where the address has enough."""
        origin = network(address)
        if 0 < self._most <= self._of_network[origin]:
            return False
        self._of_network[origin] += 1
        return True

    def leave(self, address: str) -> None:
        """Count one less: it is open, refused, or gone."""
        origin = network(address)
        self._of_network[origin] -= 1
        if self._of_network[origin] <= 0:
            del self._of_network[origin]


class Connection(ServerConnection):
    """May be one that the API accepted: `begun` is what it read. `client` is whom it sends to, once they have come in."""

    begun = b""
    client: Client | None = None

    def __init__(
        self, openings: Openings, protocol: ServerProtocol, *args: Any, **options: Any
    ) -> None:
        # By this it refuses whatever it does, some before there is a request that anybody could be asked about.
        protocol.reject = handshake.problem  # type: ignore[method-assign]
        super().__init__(protocol, *args, **options)
        self._openings = openings
        self._counted: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, or refuse at once."""
        super().connection_made(transport)
        address = str((transport.get_extra_info("peername") or ("",))[0])
        if self._openings.enter(address):
            self._counted = address
        else:
            self.transport.write(_TOO_MANY)
            self.transport.close()
        if self.begun:
            self.data_received(self.begun)

    async def handshake(self, *args: Any, **options: Any) -> None:
        """Shake hands; after that the connection is its user's."""
        try:
            await super().handshake(*args, **options)
            # Nobody reads them again, and headers are a fifth of what a silent connection takes. They are emptied, as websockets'
            # parser holds the request until the end.
            if self.request is not None and self.response is not None:
                self.request.headers.clear()
                self.response.headers.clear()
            self.begun = b""
        finally:
            if self._counted is not None:
                self._openings.leave(self._counted)
                self._counted = None

    def wake(self) -> None:
        """Send what waits in the next round of the loop: by then the rest of it waits, too."""
        self.loop.call_soon(self._flush)

    def resume_writing(self) -> None:
        """The client takes more."""
        super().resume_writing()
        self._flush()

    def _flush(self) -> None:
        if self.client is None or self.paused or self.state is not State.OPEN:
            return
        client = self.client
        frames = [_framed(frame) for text in client.take() for frame in client.frames(text)]
        self.transport.write(b"".join(frames))
        counters.SENT.inc(len(frames))


@lru_cache(_SHARED_FRAMES)
def _framed(text: str) -> bytes:
    """A message as it goes over the wire, from a server without extensions (RFC 6455, section 5.2)."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


_TOO_MANY = handshake.written(
    HTTPStatus.TOO_MANY_REQUESTS, "too many connections of this address that say nothing"
)
