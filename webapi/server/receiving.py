"""Assembles requests from bytes as they arrive. gunicorn's parser reads each head; nothing here blocks."""

import io
import re
from typing import Any

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import (
    InvalidHeader,
    InvalidRequestLine,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from webapi.http.envelope import BODY_LIMIT
from webapi.http.errors import Problem
from webapi.server import framing, refusals
from webapi.server.chunks import Chunks, Malformed, TooLarge

MOST_HEAD = 64 * 1024
_BLANK = b"\r\n\r\n"
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")


class _Request(Request):  # type: ignore[misc]  # gunicorn has no types
    """A request of nobody whom gunicorn trusts: `forwarded_allow_ips` is empty, so no address has to be read for it."""

    def _peer_is_trusted_proxy(self) -> bool:
        return False


class Receiver:
    """The bytes that one connection has sent, and the requests in them.

    Args:
        config: gunicorn's, which names the limits of a head.
        peer: the address at the other end.
    """

    def __init__(self, config: Any, peer: Any) -> None:
        self._config, self._peer = config, peer
        self._received = bytearray()
        self._looked_at = 0
        self._number = 0
        self._head: Any = None
        self._head_text = b""
        self._length = 0
        self._chunks: Chunks | None = None

    @property
    def size(self) -> int:
        """Bytes that are held."""
        return len(self._received) + (len(self._chunks.body) if self._chunks else 0)

    @property
    def is_empty(self) -> bool:
        """Whether no request has begun."""
        return self._head is None and not self._received

    @property
    def has_head(self) -> bool:
        """Whether the head of a request is there, and its body is not."""
        return self._head is not None

    def add(self, data: bytes) -> None:
        """Add bytes that arrived."""
        self._received += data

    def next_request(self) -> Any:
        """The next whole request, with its body in memory; None while it is incomplete.

        Raises:
            Problem: what has come is none, or too large.
        """
        try:
            if self._head is None:
                self._head = self._read_head()
            return None if self._head is None else self._read_body()
        except ParseException as error:
            raise refusals.of_parser(error) from error

    def begun(self) -> bytes:
        """The last head as it was received, and the bytes after it."""
        return self._head_text + bytes(self._received)

    def take_invitation(self) -> bool:
        """Whether the sender holds a body back until it gets `100 Continue`; true once for each."""
        is_asked = self._head is not None and self._head._expected_100_continue  # noqa: SLF001 - gunicorn's
        if is_asked:
            self._head._expected_100_continue = False  # noqa: SLF001
        return is_asked

    def _read_head(self) -> Any:
        while self._received.startswith(b"\r\n"):
            del self._received[:2]
        end = self._received.find(_BLANK, max(0, self._looked_at - len(_BLANK)))
        self._require_line_ends(len(self._received) if end < 0 else end)
        if end < 0:
            self._looked_at = len(self._received)
        if end > MOST_HEAD or (end < 0 and self._looked_at > MOST_HEAD):
            raise LimitRequestHeaders("")
        self._require_begin()
        if end < 0:
            return None
        head = bytes(self._received[: end + len(_BLANK)])
        del self._received[: len(head)]
        self._looked_at = 0
        self._head_text = head
        self._number += 1
        request = _Request(self._config, IterUnreader([head]), self._peer, self._number)
        self._frame(request)
        return request

    def _require_begin(self) -> None:
        """Refuse at once what will never be a request, such as the first bytes of TLS."""
        limit = self._config.limit_request_line
        # Half of an empty line, which may come before a request, is no mistake yet.
        begin = bytes(self._received[:1])
        is_half_a_line = begin == b"\r" and len(self._received) == 1
        if begin and not is_half_a_line and not b"A" <= begin <= b"Z":
            raise InvalidRequestLine("")
        if len(self._received) > limit and self._received.find(b"\r\n", 0, limit + 2) < 0:
            raise LimitRequestLine("")

    def _require_line_ends(self, end: int) -> None:
        """Refuse a line that ends with a line feed alone at once: where only such come, a head would never end."""
        # Counted first, in a tenth of the time. Where they differ, the pattern sees what stands before the first one.
        part = self._looked_at, end
        if self._received.count(b"\n", *part) == self._received.count(b"\r\n", *part):
            return
        if _BARE_LINE_FEED.search(self._received, *part):
            raise InvalidHeader("")

    def _frame(self, request: Any) -> None:
        """Determine how the body ends."""
        framing.require_one_reading(request, self._head_text)
        if framing.is_last(request):
            request.force_close()
        reader = request.body.reader
        self._chunks = Chunks(BODY_LIMIT) if isinstance(reader, ChunkedReader) else None
        self._length = 0 if self._chunks else reader.length
        if self._length > BODY_LIMIT:
            raise Problem(413)

    def _read_body(self) -> Any:
        if self._chunks is None:
            if len(self._received) < self._length:
                return None
            body = bytes(self._received[: self._length])
            del self._received[: self._length]
        else:
            self._feed(self._chunks)
            if not self._chunks.is_whole:
                return None
            body = bytes(self._chunks.body)
        request, self._head, self._chunks = self._head, None, None
        request.body = io.BytesIO(body)
        request._expected_100_continue = False  # noqa: SLF001 - gunicorn would ask for what is there
        return request

    def _feed(self, chunks: Chunks) -> None:
        try:
            chunks.feed(self._received)
        except TooLarge:
            raise Problem(413) from None
        except Malformed:
            raise refusals.malformed_body() from None
