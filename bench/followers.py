"""Many clients of the stream in one process, `python -m bench.followers URL`: tokens by standard input, a line each.

What they do while prices come is a read and a note of the moment, as they run on the server's cores: messages are looked into
afterwards. It says READY once all follow, and after a further line of input when each of them got which price.
"""

import json
import re
import selectors
import socket
import struct
import sys
import time
from bisect import bisect_left
from itertools import accumulate
from urllib.parse import urlsplit

_PRICE = re.compile(rb'"price":"?([0-9.]+)')
_TEXT, _PING, _PONG = 0x81, 0x89, 0x8A
"""First bytes of frames (RFC 6455, section 5.2). No byte of our texts is so high."""
_SHORT, _LONG = 126, 127
_HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nAuthorization: Bearer {token}\r\n\r\n"
)


class Follower:
    """One client: what came, and when; `token` by whom it comes in, `symbols` what it follows."""

    def __init__(self, url: str, token: str, symbols: list[str]) -> None:
        where = urlsplit(url)
        self.socket = socket.create_connection((where.hostname, where.port))
        asked = _HANDSHAKE.format(path=where.path, host=where.netloc, token=token)
        self.socket.sendall(asked.encode())
        self.pieces: list[tuple[float, bytes]] = []
        self._until(b"\r\n\r\n")
        self.send(_TEXT, json.dumps({"type": "subscribe", "symbols": symbols}).encode())
        self._until(b'"subscribed"')
        self.pieces.clear()
        self.socket.setblocking(False)  # noqa: FBT003 - the socket's signature

    def _until(self, wanted: bytes) -> None:
        got = b""
        while wanted not in got:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError(got[:500])
            got += piece

    def send(self, kind: int, data: bytes) -> None:
        """Send a short frame, masked with zeros."""
        self.socket.sendall(bytes([kind, 0x80 | len(data)]) + bytes(4) + data)

    def read(self) -> bool:
        """Note what came. Returns whether the connection is still there."""
        try:
            piece = self.socket.recv(65536)
        except OSError:
            return False
        self.pieces.append((time.time(), piece))
        if _PING in piece:
            for kind, data in frames(piece):
                if kind == _PING:
                    self.send(_PONG, data)
        return bool(piece)

    def prices(self) -> list[tuple[float, float]]:
        """The moment and the price of each message, that of its last part."""
        ends = list(accumulate(len(piece) for _, piece in self.pieces))
        whole = b"".join(piece for _, piece in self.pieces)
        return [
            (self.pieces[bisect_left(ends, found.end())][0], float(found[1]))
            for found in _PRICE.finditer(whole)
        ]


def frames(data: bytes) -> list[tuple[int, bytes]]:
    """First byte and content of each whole frame of a server; control frames come whole, at a frame's beginning."""
    found = []
    while len(data) > 1:
        size, start = data[1], 2
        if size == _SHORT:
            size, start = struct.unpack(">H", data[2:4])[0], 4
        elif size == _LONG:
            size, start = struct.unpack(">Q", data[2:10])[0], 10
        found.append((data[0], data[start : start + size]))
        data = data[start + size :]
    return found


def main() -> None:
    """Follow until there is a further line, then tell."""
    given = json.loads(sys.stdin.readline())
    followers = [Follower(sys.argv[1], token, given["symbols"]) for token in given["tokens"]]
    print("READY", flush=True)
    lost = _follow(followers)
    prices = [each for follower in followers for each in follower.prices()]
    json.dump({"prices": prices, "lost": lost}, sys.stdout)


def _follow(followers: list[Follower]) -> int:
    """Read until standard input says enough; how many connections were lost."""
    lost = 0
    with selectors.DefaultSelector() as selector:
        for each in followers:
            selector.register(each.socket, selectors.EVENT_READ, each)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.data is None:
                    return lost
                if not key.data.read():
                    selector.unregister(key.fileobj)
                    lost += 1


if __name__ == "__main__":
    main()
