"""gunicorn's threaded worker: it keeps crowds that log in apart, shares connections out, cuts slow clients off, ends soon.

A login takes a core for some 20 ms, and they come in crowds: in one queue with all other requests they would take every
thread, and each read would wait for them. So requests of strangers that hash a password have a few threads of their own
(a lane), and a queue of their own. Which request it is stands in its first bytes; who hides them by sending slowly gets
a common thread, where `webapi.security.passwords` still bounds how many may hash.

Whichever process wakes first accepts, and one that just did is awake: of 16 connections that come at once one process
got most, while the other's core was idle. So who has connections lets the others come first, by a moment.

gunicorn 26.2 waits for idle keep-alive connections until the grace period is over: while it stops it looks for expired
ones only after an event, and an idle connection causes none. A proxy that keeps connections open so made each stop
take 20 s.
"""

import errno
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from webapi.deadlines import deadlines

_LOOK_SECONDS = 0.5
_LANE = tuple(
    f"POST /api/v1/auth/{name} ".encode() for name in ("login", "register", "reset-password")
)
_LANE_THREADS = 2
"""One waits for its hash, the other for its turn, or for what a client is slow to send."""
_COURTESY_SECONDS = 0.0001
_MOST_COURTESY_SECONDS = 0.001
"""How long others may come first: for each connection that one has, and at most."""
_SWITCH_SECONDS = 0.0005
"""A read asks for the interpreter's lock a dozen times; by default each may take 5 ms while others compute."""


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A worker that closes idle connections when it is told to stop, and slow ones always."""

    def init_process(self) -> None:
        """After the fork: the lane's threads start on first use."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._lane = ThreadPoolExecutor(_LANE_THREADS, thread_name_prefix="login")
        super().init_process()

    def accept(self, listener: Any) -> None:
        """Accept a connection; a thread gets it when it has something to say, and which one depends on what."""
        time.sleep(min(self.nr_conns * _COURTESY_SECONDS, _MOST_COURTESY_SECONDS))
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        conn = TConn(self.cfg, client, address, listener.getsockname())
        conn.set_timeout()
        self.pending_conns.append(conn)
        self.poller.register(client, EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def enqueue_req(self, conn: Any) -> None:
        """Give a connection that has something to say to a thread."""
        conn.came_at = time.monotonic() if _is_for_lane(conn.sock) else None
        threads = self.tpool if conn.came_at is None else self._lane
        threads.submit(self.handle, conn).add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, conn, done)
        )

    def handle(self, conn: Any) -> Any:
        """Answer a request, within the time that `webapi.deadlines` gives."""
        connection = conn.sock
        if conn.came_at is None:
            deadlines.begin(connection)
        else:
            deadlines.begin_in_lane(connection, time.monotonic() - conn.came_at)
        try:
            return super().handle(conn)
        finally:
            deadlines.end(connection)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, while stopping no longer than half a second at a time."""
        super().wait_for_and_dispatch_events(timeout if self.alive else min(timeout, _LOOK_SECONDS))
        deadlines.cut_overdue()

    def murder_keepalived(self) -> None:
        """Close connections that have been idle for too long; while stopping, all that are idle."""
        if not self.alive:
            for connection in self.keepalived_conns:
                connection.timeout = 0.0
        super().murder_keepalived()


def _is_for_lane(connection: socket.socket) -> bool:
    """Whether what a client has sent begins as a request that hashes a password; leaves it where it is."""
    try:
        begin = connection.recv(64, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return False
    return begin.startswith(_LANE)
