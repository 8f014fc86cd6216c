"""gunicorn's threaded worker, changed so that a thread has a request only from its last byte to its answer.

The worker's loop reads and writes for all connections without blocking: who sends or reads slowly holds a few
kilobytes of memory and no thread. What is no request is refused here, as problem+json.

A login takes a core for some 20 ms, and they come in crowds: in one queue with all other requests they would take every
thread, and each read would wait for them. So requests of strangers that hash a password have a thread of their own
(a lane), and a queue of their own. `/health/live` has a thread that waits for nothing else: it tells whether the
process lives, which others that wait for the database must not hide.

A connection stays watched while its request is answered, and a thread wakes the loop only for what the loop has to do: most
have sent nothing more by then, and the loop finds the answered ones when it wakes for the next request.

Whichever process wakes first accepts, and one that just did is awake: of 16 connections that come at once one process
got most, while the other's core was idle. So who has connections lets the others come first, by a moment.

Who closes a kept connection may lose a request that is on its way, and most clients send none again by themselves. So a worker
that has served its time, or whose master drains, says `Connection: close` for a while before it ends, and closes unsaid only
what was silent. Its last act as a listener is to let in who waits.
"""

import errno
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

from gunicorn.http import wsgi
from gunicorn.workers.gthread import ThreadWorker

from coinsphere.network.client_networks import network
from coinsphere.stream import handover
from webapi.http.errors import Problem, unavailable
from webapi.server import refusals
from webapi.server.answer import Answer
from webapi.server.connection import Connection, State
from webapi.server.drain import Drain
from webapi.server.fixed_settings import FixedSettings
from webapi.server.threads import Threads

_LOOK_SECONDS = 0.5
_LOGINS = frozenset(f"/api/v1/auth/{name}" for name in ("login", "register", "reset-password"))
_LIVENESS = "/health/live"
_READINESS = "/health/ready"
_LOGIN_THREADS = 1
"""While it waits for a hash no other login takes the interpreter's lock from reads."""
LANE_WAIT_SECONDS = 1.0
"""A login that has waited for so long for a thread is not begun: who sent it is told to come back."""
_COURTESY_SECONDS = 0.0001
_MOST_COURTESY_SECONDS = 0.001
"""How long others may come first: for each connection that one has, and at most."""
_SWITCH_SECONDS = 0.0005
"""A read asks for the interpreter's lock a dozen times; by default each may take 5 ms while others compute."""
_MOST_HELD = 256 * 1024 * 1024
"""Bytes of requests that are not there whole, of all connections."""
_FAREWELL_SECONDS = 1.0
"""A connection that says nothing for so long when the worker ends is closed without a word."""
_MOST_TURNED_AWAY = 50
"""Connections over an address's number that are told so at the same time; further ones are closed without a word."""


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A worker whose threads never wait for a client."""

    alive: bool
    cfg: Any
    drain: Drain
    max_requests: int

    def init_process(self) -> None:
        """After the fork: the lanes' threads start on first use."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        self.cfg = FixedSettings(self.cfg)
        self._logins = Threads(_LOGIN_THREADS, "login")
        self._liveness = Threads(1, "liveness")
        self._connections: set[Connection] = set()
        self._answered: deque[Connection] = deque()
        self._of_network: Counter[str] = Counter()
        self._turned_away = 0
        self._held = 0
        self._looked_at = 0.0
        # gunicorn would stop at once with that request, and close what others keep.
        self._most_requests, self.max_requests = self.max_requests, sys.maxsize
        self._untold: set[Connection] | None = None
        self._retires_by = 0.0
        super().init_process()

    def get_thread_pool(self) -> Threads:
        """The threads that answer all but what has a lane."""
        return Threads(self.cfg.threads, "request")

    def run(self) -> None:
        """Serve until told to stop."""
        from webapi.services import EXTENSION  # noqa: PLC0415 - in the worker: it loads the metrics

        settings = self.wsgi.extensions[EXTENSION].settings
        # All that comes through a proxy comes from its address; it counts its own callers.
        self._most_of_network = (
            0 if settings.trusted_proxies else settings.api_connections_per_address
        )
        self._stream_socket = settings.stream_socket
        super().run()

    def set_accept_enabled(self, enabled: bool) -> None:
        """Accept or not; a worker that ends lets in who waits, and listens no more: who comes then is refused, not lost."""
        super().set_accept_enabled(enabled)
        while not (enabled or self.alive) and self.sockets:
            listener = self.sockets.pop()
            while self.accept(listener):
                pass
            listener.close()

    def accept(self, listener: Any) -> bool:
        """Accept a connection, unless its address has enough. Returns whether one waited."""
        time.sleep(min(self.nr_conns * _COURTESY_SECONDS, _MOST_COURTESY_SECONDS))
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return False
        origin = network(address[0])
        is_one_too_many = 0 < self._most_of_network <= self._of_network[origin]
        if is_one_too_many and self._turned_away >= _MOST_TURNED_AWAY:
            client.close()
            return True
        counted = None if is_one_too_many else origin
        conn = Connection(self.cfg, client, address, listener.getsockname(), counted)
        self._count(conn, 1)
        self._connections.add(conn)
        if is_one_too_many:
            self._guarded(self._refuse, conn, Problem(429, detail=_TOO_MANY))
        else:
            self._watch(conn, EVENT_READ)
        return True

    def handle(self, conn: Connection) -> None:
        """Answer a request on a thread, and leave the rest to the loop."""
        conn.is_kept = False
        try:
            if _is_late(conn):
                conn.sock.sendall(refusals.written(refusals.too_many_logins()))
            else:
                conn.is_kept = self._answer(conn)
            conn.sock.push()
        except OSError as error:
            self.log.debug("connection lost: %s", error)
            conn.is_kept = False
        finally:
            self._answered.append(conn)
            # Asked behind the line above, as the loop stops to watch before it looks there: so one of both sees the other.
            if not self._may_wait(conn):
                self.method_queue.defer(self._finish_answered)

    def _may_wait(self, conn: Connection) -> bool:
        """Whether the loop has nothing to do for an answered connection before more comes on it."""
        is_over = not conn.is_kept or conn.sock.waiting or not conn.receiver.is_empty
        return not is_over and conn.watched == EVENT_READ and self.alive

    def _answer(self, conn: Connection) -> bool:
        """Write the application's answer. Returns whether another request may follow on its connection."""
        self.nr += 1
        if self._untold is not None or self.drain.has_begun or not self.alive:
            conn.request.force_close()
        answer, peers = None, (conn.sock, conn.client, conn.server)
        try:
            answer, environ = wsgi.create(conn.request, *peers, self.cfg, Answer)
            environ["wsgi.multithread"] = True
            _write(self.wsgi(environ, answer.start_response), answer)
            return not answer.should_close()
        except OSError:
            raise
        except Exception:
            self.log.exception("Error handling request")
            if answer is None or not answer.headers_sent:
                conn.sock.sendall(refusals.written(Problem(500)))
            return False

    def _finish_answered(self) -> None:
        """Continue the connections that threads have answered."""
        while self._answered:
            conn = self._answered.popleft()
            conn.request, conn.came_at = None, None
            self._guarded(self._go_on, conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, while stopping no longer than half a second at a time."""
        super().wait_for_and_dispatch_events(timeout if self.alive else min(timeout, _LOOK_SECONDS))
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = now
            self._look(now)

    def _look(self, now: float) -> None:
        """Tell the master that the loop runs, and do what is due."""
        super().notify()
        self._finish_answered()
        if self.alive and self.nr >= self._most_requests:
            self._retire()
        for conn in list(self._connections):
            if conn.due <= now or self._is_silent_at_the_end(conn, now):
                self._guarded(self._overdue, conn)

    def notify(self) -> None:
        """Does nothing: gunicorn would touch a file in each round of the loop; `_look` does it."""

    def _retire(self) -> None:
        """Tell each who keeps a connection that it ends; stop when all know. Until then others may come, and are told at once."""
        now = time.monotonic()
        if self._untold is None:
            self.log.info("Worker retires after %s requests (pid: %s)", self.nr, self.pid)
            # By then each was used once more, or given up by who kept it.
            self._untold, self._retires_by = set(self._connections), now + 2 * self.cfg.keepalive
        self._untold &= self._connections
        # Never set to true: a signal may have said otherwise just now.
        if not self._untold or now >= self._retires_by:
            self.alive = False

    def _is_silent_at_the_end(self, conn: Connection, now: float) -> bool:
        is_silent = conn.state is State.IDLE and now - conn.idle_since >= _FAREWELL_SECONDS
        return is_silent and not self.alive

    def murder_keepalived(self) -> None:
        """Does nothing: see `wait_for_and_dispatch_events`."""

    def murder_pending(self) -> None:
        """Does nothing, as above."""

    def _watch(self, conn: Connection, event: int) -> None:
        if conn.watched == event:
            return
        change = self.poller.modify if conn.watched else self.poller.register
        react = self._hear if event == EVENT_READ else partial(self._guarded, self._writable)
        change(conn.raw, event, lambda _: react(conn))
        conn.watched = event

    def _unwatch(self, conn: Connection) -> None:
        if conn.watched:
            self.poller.unregister(conn.raw)
            conn.watched = 0

    def _hear(self, conn: Connection) -> None:
        """Something has come; during a request it waits, and the loop is not woken for it again and again."""
        self._finish_answered()
        if conn.state is State.WORKING:
            self._unwatch(conn)
            self._finish_answered()
        else:
            self._guarded(self._readable, conn)

    def _guarded(self, act: Callable[..., None], conn: Connection, *arguments: Any) -> None:
        """Keep the loop alive whatever happens on a connection, which ends at most itself."""
        if conn not in self._connections:
            return
        before = conn.receiver.size
        try:
            act(conn, *arguments)
        except OSError as error:
            self.log.debug("connection lost: %s", error)
            self._close(conn)
        except Exception:
            self.log.exception("Error on a connection")
            self._close(conn)
        self._held += conn.receiver.size - before

    def _readable(self, conn: Connection) -> None:
        try:
            lives_on = conn.receive()
        except BlockingIOError:
            return
        if not lives_on:
            self._close(conn)
        elif conn.state is not State.ENDING:
            self._advance(conn)

    def _advance(self, conn: Connection) -> None:
        """Begin the next request if it is complete; else wait for it, unless its end will never come."""
        try:
            request = conn.receiver.next_request()
        except Problem as problem:
            self._refuse(conn, problem)
            return
        if request is not None:
            self._begin(conn, request)
        elif conn.has_peer_ended and conn.receiver.is_empty:
            self._close(conn)
        elif conn.has_peer_ended:
            self._refuse(conn, refusals.cut_off())
        elif self._held > _MOST_HELD:
            self._refuse(conn, unavailable("service unavailable: too much is being received"))
        else:
            self._wait(conn)

    def _wait(self, conn: Connection) -> None:
        conn.wait()
        if conn.receiver.take_invitation():
            conn.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            conn.sock.push()
        self._watch(conn, EVENT_READ)

    def _begin(self, conn: Connection, request: Any) -> None:
        if request.path == handover.PATH:
            self._hand_over(conn, request)
            return
        if request.path == _READINESS and self.drain.has_begun:
            self._refuse(conn, unavailable("not ready: the API drains before it ends"))
            return
        conn.work(request)
        threads = self.tpool
        if request.path == _LIVENESS:
            threads = self._liveness
        elif request.method == "POST" and request.path in _LOGINS:
            threads, conn.came_at = self._logins, time.monotonic()
        threads.submit(partial(self.handle, conn))

    def _hand_over(self, conn: Connection, request: Any) -> None:
        """Hand a WebSocket over to the stream's process."""
        wanted = [value.lower() for name, value in request.headers if name == "UPGRADE"]
        if request.method != "GET" or wanted != ["websocket"]:
            self._refuse(conn, Problem(426, headers={"Upgrade": "websocket"}))
            return
        try:
            handover.give(self._stream_socket, conn.raw, conn.receiver.begun())
        except OSError:
            self._refuse(conn, unavailable("service unavailable: the stream does not answer"))
            return
        self._close(conn)

    def _refuse(self, conn: Connection, problem: Problem) -> None:
        conn.is_kept = False
        conn.sock.sendall(refusals.written(problem))
        conn.sock.push()
        self._go_on(conn)

    def _go_on(self, conn: Connection) -> None:
        """After an answer, send the rest of it, then take the next request or end."""
        if conn.sock.waiting:
            conn.send()
            self._watch(conn, EVENT_WRITE)
        elif conn.is_kept:
            conn.state = State.IDLE
            self._watch(conn, EVENT_READ)
            self._advance(conn)
        else:
            conn.end()
            self._watch(conn, EVENT_READ)

    def _writable(self, conn: Connection) -> None:
        conn.sock.send_more()
        if not conn.sock.waiting:
            self._go_on(conn)

    def _overdue(self, conn: Connection) -> None:
        if conn.state is State.RECEIVING:
            self._refuse(conn, refusals.too_slow())
        elif conn.state is not State.SENDING or not conn.is_reading():
            self._close(conn)

    def _close(self, conn: Connection) -> None:
        self._unwatch(conn)
        self._connections.discard(conn)
        self._count(conn, -1)
        self._held -= conn.receiver.size
        conn.sock.drop()
        conn.raw.close()

    def _count(self, conn: Connection, change: int) -> None:
        self.nr_conns += change
        if conn.network is None:
            self._turned_away += change
            return
        self._of_network[conn.network] += change
        if not self._of_network[conn.network]:
            del self._of_network[conn.network]


def _is_late(conn: Connection) -> bool:
    """Whether a login has waited so long for a thread that it is refused, before the application counts or does anything."""
    return conn.came_at is not None and time.monotonic() - conn.came_at > LANE_WAIT_SECONDS


def _write(body: Iterable[bytes], answer: Answer) -> None:
    try:
        for part in body:
            answer.write(part)
        answer.close()
    finally:
        if hasattr(body, "close"):
            body.close()


_TOO_MANY = "This address has as many connections as one may have; close some, or keep them for several requests."
