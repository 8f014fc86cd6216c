"""When a thread wakes the worker's loop, and when it leaves an answered connection to be found."""

import socket
from collections import deque
from selectors import EVENT_READ, DefaultSelector
from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from webapi.server.connection import Connection, State
from webapi.server.drain import Drain
from webapi.server.worker import Worker

REQUEST = b"GET /any HTTP/1.1\r\nHost: x\r\n\r\n"


class Loop(Worker):
    """A worker whose loop is run by hand, and whose threads answer at once."""

    def __init__(self) -> None:
        self.alive, self._untold, self._held = True, None, 0
        self.drain = Drain(0)
        self.poller, self._answered, self._connections = DefaultSelector(), deque(), set()
        self.woken: list[object] = []
        self.method_queue = SimpleNamespace(defer=self.woken.append)
        self.tpool = SimpleNamespace(submit=lambda _: None)
        self.is_kept = True

    def _answer(self, conn: Connection) -> bool:
        conn.sock.sendall(b"answer")
        return self.is_kept

    def turn(self) -> int:
        """One round of the loop: what was heard of."""
        events = self.poller.select(0)
        for key, _ in events:
            key.data(key.fileobj)
        return len(events)


@pytest.fixture
def loop():
    return Loop()


@pytest.fixture
def pair(loop):
    """A client's end of a connection, and the worker's; its first request is being answered."""
    ours, theirs = socket.socketpair()
    conn = Connection(Config(), ours, ("127.0.0.1", 1), ("127.0.0.1", 2), None)
    loop._connections.add(conn)
    loop._watch(conn, EVENT_READ)
    theirs.sendall(REQUEST)
    loop.turn()
    assert conn.state is State.WORKING
    yield theirs, conn
    ours.close()
    theirs.close()
    loop.poller.close()


def test_an_answer_alone_wakes_nobody_and_the_next_request_finds_it(loop, pair):
    theirs, conn = pair
    loop.handle(conn)
    assert (theirs.recv(99), loop.woken) == (b"answer", [])
    theirs.sendall(REQUEST)
    loop.turn()
    assert conn.state is State.WORKING
    assert conn.request.path == "/any"


def test_what_comes_too_early_is_heard_of_once_and_read_after_the_answer(loop, pair):
    theirs, conn = pair
    theirs.sendall(REQUEST)
    assert [loop.turn(), loop.turn()] == [1, 0]
    loop.handle(conn)
    assert len(loop.woken) == 1
    loop.woken.pop()()
    assert [loop.turn(), conn.state] == [1, State.WORKING]


def test_an_answer_that_came_as_more_was_heard_of_is_seen_by_the_loop(loop, pair):
    theirs, conn = pair
    unwatch = loop._unwatch
    # The thread looked whether it is watched before the loop stopped to.
    loop._unwatch = lambda each: (loop.handle(each), unwatch(each))
    theirs.sendall(REQUEST)
    loop.turn()
    assert (conn.state, loop.woken, conn.watched) == (State.IDLE, [], EVENT_READ)


@pytest.mark.parametrize("reason", ["it is to be closed", "the worker ends", "more was read"])
def test_the_loop_is_woken_for_what_it_has_to_do(loop, pair, reason):
    _, conn = pair
    loop.is_kept = reason != "it is to be closed"
    loop.alive = reason != "the worker ends"
    conn.request.force_close = lambda: None
    conn.receiver.add(b"GET" if reason == "more was read" else b"")
    loop.handle(conn)
    assert len(loop.woken) == 1
