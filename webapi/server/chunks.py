"""Parses a chunked body (RFC 9112, section 7.1) as it arrives. Strict: what two readers might read differently is refused."""

import re
from collections.abc import Callable

_CHUNKS = 4096
"""Chunks of a body: a mebibyte byte by byte would hold up everybody for seconds."""
_LINE = 256
_TRAILERS = 32
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[\t\x20-\x7e]*)?")
_TRAILER = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")


class Malformed(ValueError):
    """The bytes are no valid chunks."""


class TooLarge(ValueError):
    """The body has more bytes, or more chunks, than allowed."""


class Chunks:
    """A body that comes in chunks.

    Args:
        most: bytes that the body may have.
    """

    def __init__(self, most: int) -> None:
        self.body = bytearray()
        self.is_whole = False
        self._most = most
        self._left = 0
        self._count = 0
        self._trailers = 0
        self._step: Callable[[bytearray], bool] = self._begin

    def feed(self, received: bytearray) -> None:
        """Take what belongs to the body out of `received`, and leave the rest.

        Raises:
            Malformed, TooLarge: see there.
        """
        while not self.is_whole and self._step(received):
            pass

    def _begin(self, received: bytearray) -> bool:
        line = _line(received)
        if line is None:
            return False
        match = _SIZE.fullmatch(line)
        if match is None:
            raise Malformed
        self._left = int(match[1], 16)
        self._count += 1
        if len(self.body) + self._left > self._most or self._count > _CHUNKS:
            raise TooLarge
        self._step = self._content if self._left else self._trailer
        return True

    def _content(self, received: bytearray) -> bool:
        part = received[: self._left]
        self.body += part
        del received[: len(part)]
        self._left -= len(part)
        if not self._left:
            self._step = self._end
        return not self._left

    def _end(self, received: bytearray) -> bool:
        if not b"\r\n".startswith(received[:2]):
            raise Malformed
        if len(received) < len(b"\r\n"):
            return False
        del received[:2]
        self._step = self._begin
        return True

    def _trailer(self, received: bytearray) -> bool:
        """Skip the trailers, which nothing of ours needs."""
        line = _line(received)
        if line is None:
            return False
        self.is_whole = not line
        self._trailers += 1
        if line and (self._trailers > _TRAILERS or _TRAILER.fullmatch(line) is None):
            raise Malformed
        return True


def _line(received: bytearray) -> bytes | None:
    """The first line, taken out; None while its end is not there."""
    feed = received.find(b"\n", 0, _LINE)
    if feed < 0:
        if len(received) >= _LINE:
            raise Malformed
        return None
    # A bare line feed ends a line for some readers, and none here.
    if received[feed - 1 : feed] != b"\r":
        raise Malformed
    end = feed - 1
    line = bytes(received[:end])
    del received[: end + 2]
    return line
