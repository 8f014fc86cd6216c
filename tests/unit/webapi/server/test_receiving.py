"""From bytes to whole requests: the same ones however the bytes are cut, and nothing from what is none."""

import pytest
from gunicorn.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st

from webapi.http.envelope import BODY_LIMIT
from webapi.http.errors import Problem
from webapi.server.receiving import Receiver

HOST = b"Host: x\r\n"


def receiver() -> Receiver:
    config = Config()
    config.set("limit_request_line", 8190)
    return Receiver(config, ("127.0.0.1", 1))


def read(parts: list[bytes]) -> list[tuple[str, str, bytes]]:
    """What is in the bytes that come in these parts."""
    made = receiver()
    found = []
    for part in parts:
        made.add(part)
        while (request := made.next_request()) is not None:
            found.append((request.method, request.path, request.body.read()))
    assert made.is_empty
    assert made.size == 0
    return found


def chunked(body: bytes, sizes: list[int]) -> bytes:
    text = b""
    for size in sizes:
        part, body = body[:size], body[size:]
        text += b"%x;ext=1\r\n%s\r\n" % (len(part), part) if part else b""
    if body:
        text += b"%X\r\n%s\r\n" % (len(body), body)
    return text + b"0\r\nX-Trailer: 1\r\n\r\n"


REQUESTS = st.lists(
    st.tuples(st.booleans(), st.binary(max_size=60), st.lists(st.integers(1, 9), max_size=5)),
    min_size=1,
    max_size=4,
)


@settings(deadline=None, max_examples=400)
@given(REQUESTS, st.lists(st.integers(1, 40), max_size=60))
def test_requests_are_the_same_however_they_are_cut(requests, cuts) -> None:
    text, wanted = b"", []
    for number, (is_chunked, body, sizes) in enumerate(requests):
        framing = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: %d" % len(body)
        head = b"POST /%d HTTP/1.1\r\n%s%s\r\n\r\n" % (number, HOST, framing)
        text += b"\r\n" + head + (chunked(body, sizes) if is_chunked else body)
        wanted.append(("POST", f"/{number}", body))
    parts = []
    for cut in cuts:
        parts.append(text[:cut])
        text = text[cut:]
    assert read([*parts, text]) == wanted


def head(*fields: bytes, line: bytes = b"POST / HTTP/1.1") -> bytes:
    return b"\r\n".join([line, b"Host: x", *fields, b"", b""])


CHUNKED = b"Transfer-Encoding: chunked"
REFUSED = {
    "a field's name": (head(b"Bad Name: 1"), 400),
    "no colon": (head(b"nonsense"), 400),
    "a zero byte": (head(b"X: a\0b"), 400),
    "a bare line feed": (head(b"X: a\nY: b"), 400),
    "line feeds alone, and no end": (b"GET / HTTP/1.1\nHost: x\n\n", 400),
    "a folded field": (head(b"X: a", b" b"), 400),
    "a length of letters": (head(b"Content-Length: abc"), 400),
    "a negative length": (head(b"Content-Length: -1"), 400),
    "a signed length": (head(b"Content-Length: +5"), 400),
    "two lengths": (head(b"Content-Length: 5", b"Content-Length: 5"), 400),
    "a list of lengths": (head(b"Content-Length: 5, 5"), 400),
    "a length of 5,000 digits": (head(b"Content-Length: " + b"9" * 5000), 400),
    "a length and chunks": (head(b"Content-Length: 5", CHUNKED), 400),
    "chunks twice": (head(b"Transfer-Encoding: chunked, chunked"), 400),
    "an unknown coding": (head(b"Transfer-Encoding: unknown"), 501),
    "a packed body": (head(b"Transfer-Encoding: gzip, chunked"), 501),
    "a packed body in two fields": (head(b"Transfer-Encoding: gzip", CHUNKED), 501),
    "chunks in HTTP/1.0": (head(CHUNKED, line=b"POST / HTTP/1.0"), 400),
    "two hosts": (head(b"Host: y"), 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "a long line": (b"GET /" + b"a" * 9000, 414),
    "a long line that ends": (head(line=b"GET /" + b"a" * 9000 + b" HTTP/1.1"), 414),
    "a long field": (head(b"X: " + b"a" * 9000), 431),
    "many fields": (head(*[b"X: 1"] * 101), 431),
    "a head without an end": (b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 20_000, 431),
    "another version": (head(line=b"GET / HTTP/3.0"), 505),
    "no version": (head(line=b"GET /"), 400),
    "no HTTP": (b"\x16\x03\x01\x02\x00", 400),
    "a small method": (b"get / HTTP/1.1\r\n", 400),
    "an expectation": (head(b"Expect: gifts"), 417),
    "a large body": (head(b"Content-Length: %d" % (BODY_LIMIT + 1)), 413),
    "large chunks": (head(CHUNKED) + b"100001\r\n", 413),
    "many chunks": (head(CHUNKED) + b"1\r\na\r\n" * 5_000, 413),
    "a chunk's size": (head(CHUNKED) + b"5x\r\nhello\r\n0\r\n\r\n", 400),
    "a signed chunk": (head(CHUNKED) + b"-5\r\n", 400),
    "a chunk in hexadecimal notation": (head(CHUNKED) + b"0x5\r\nhello\r\n0\r\n\r\n", 400),
    "an empty size": (head(CHUNKED) + b"\r\n", 400),
    "a chunk that is longer": (head(CHUNKED) + b"2\r\nhello\r\n0\r\n\r\n", 400),
    "a size ended by a line feed": (head(CHUNKED) + b"5\nhello\r\n0\r\n\r\n", 400),
    "a size without an end": (head(CHUNKED) + b"5;" + b"a" * 300, 400),
    "a trailer that is none": (head(CHUNKED) + b"0\r\nno trailer\r\n\r\n", 400),
    "many trailers": (head(CHUNKED) + b"0\r\n" + b"X: 1\r\n" * 40, 400),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_what_is_no_request_is_refused(what: str, size: int) -> None:
    text, status = REFUSED[what]
    made = receiver()
    with pytest.raises(Problem) as refused:  # noqa: PT012 - which part is one too many depends on the size
        for begin in range(0, len(text), size):
            made.add(text[begin : begin + size])
            assert made.next_request() is None
    assert refused.value.status == status


def test_a_body_that_is_held_back_is_asked_for_once() -> None:
    made = receiver()
    made.add(head(b"Content-Length: 2", b"Expect: 100-continue"))
    assert made.next_request() is None
    assert made.take_invitation()
    assert not made.take_invitation()
    made.add(b"ok")
    assert made.next_request().body.read() == b"ok"
