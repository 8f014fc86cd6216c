"""Which requests the worker gives to the threads of logins, and for how long one may hold such a thread."""

import socket
from collections.abc import Iterator

import pytest

from webapi import deadlines, worker
from webapi.deadlines import Deadlines


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.mark.parametrize(
    ("sent", "is_for_lane"),
    [
        (b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n", True),
        (b"POST /api/v1/auth/register HTTP/1.1\r\n", True),
        (b"POST /api/v1/auth/reset-password HTTP/1.1\r\n", True),
        (b"POST /api/v1/auth/refresh HTTP/1.1\r\n", False),
        (b"POST /api/v1/auth/logout HTTP/1.1\r\n", False),
        (b"GET /api/v1/auth/login HTTP/1.1\r\n", False),
        (b"POST /api/v1/auth/login", False),
        (b"\x16\x03\x01\x02\x00", False),
        (b"", False),
    ],
)
def test_requests_that_hash_are_told_by_their_first_bytes(pair, sent, is_for_lane) -> None:
    ours, theirs = pair
    theirs.sendall(sent)

    assert worker._is_for_lane(ours) == is_for_lane
    if sent:
        assert ours.recv(100) == sent


def test_a_connection_that_is_gone_is_for_nobody(pair) -> None:
    ours, theirs = pair
    theirs.close()
    assert not worker._is_for_lane(ours)
    ours.close()
    assert not worker._is_for_lane(ours)


def test_a_login_that_waited_too_long_is_late_until_it_is_over(pair) -> None:
    ours, theirs = pair
    known = Deadlines()
    known.begin_in_lane(ours, deadlines.LANE_WAIT_SECONDS + 0.1)
    known.begin_in_lane(theirs, deadlines.LANE_WAIT_SECONDS - 0.1)
    assert known.is_late(ours)
    assert not known.is_late(theirs)

    known.end(ours)
    known.begin(ours)
    assert not known.is_late(ours)


def test_who_sends_slowly_holds_a_thread_of_logins_for_three_seconds(pair, monkeypatch) -> None:
    now = [100.0]
    monkeypatch.setattr(deadlines.time, "monotonic", lambda: now[0])
    ours, theirs = pair
    known = Deadlines()
    known.begin_in_lane(ours, 0.0)
    now[0] += 2.9
    assert known.cut_overdue() == 0
    now[0] += 0.1
    assert known.cut_overdue() == 1
    assert theirs.recv(1) == b""


def test_a_login_that_was_received_in_time_may_take_as_long_as_others(pair, monkeypatch) -> None:
    now = [100.0]
    monkeypatch.setattr(deadlines.time, "monotonic", lambda: now[0])
    ours, _ = pair
    known = Deadlines()
    known.begin_in_lane(ours, 0.0)
    known.received(ours)
    now[0] += 22.9
    assert known.cut_overdue() == 0
