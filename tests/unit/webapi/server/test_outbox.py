"""Answers that wait for their readers: no byte is lost, none is sent twice, and nobody waits."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from webapi.server import outbox
from webapi.server.outbox import Outbox


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    theirs.settimeout(0)
    with ours, theirs:
        yield ours, theirs


def heard(connection: socket.socket) -> bytes:
    found = b""
    with suppress(BlockingIOError):
        while part := connection.recv(1_000_000):
            found += part
    return found


@pytest.mark.parametrize("size", [10, 100_000, 5_000_000])
def test_all_arrives_in_order(pair, size: int) -> None:
    ours, theirs = pair
    box = Outbox(ours)
    parts = [bytes([number % 251]) * (size // 7 + 1) for number in range(7)]
    for part in parts:
        box.sendall(part)
    box.push()
    got = heard(theirs)
    while box.waiting:
        box.send_more()
        got += heard(theirs)
    assert got == b"".join(parts)
    assert box.sent == len(got)
    box.sendall(b"next")
    box.push()
    assert heard(theirs) == b"next"


def test_small_parts_are_sent_together(pair) -> None:
    ours, theirs = pair
    box = Outbox(ours)
    box.sendall(b"head")
    box.sendall(b"body")
    assert heard(theirs) == b""
    box.push()
    assert heard(theirs) == b"headbody"


def test_an_answer_that_nobody_reads_has_an_end(pair, monkeypatch) -> None:
    monkeypatch.setattr(outbox, "MOST", 3_000_000)
    box = Outbox(pair[0])
    with pytest.raises(OSError, match="too large"):
        box.sendall(b"x" * 5_000_000)
    box.drop()
    assert box.waiting == 0
