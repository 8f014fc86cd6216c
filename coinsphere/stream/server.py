"""The WebSocket server: admits clients, handles their messages, and sends them what the hub queues."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from http import HTTPStatus
from socket import socket
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg_pool import PoolTimeout
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from coinsphere import garbage, log
from coinsphere.clock import Clock, utc_now
from coinsphere.settings import Role, Settings
from coinsphere.stream import counters, graphql_transport, handshake, messages
from coinsphere.stream.admission import Admission, Caller, Refused
from coinsphere.stream.connection import Connection, Openings
from coinsphere.stream.feed import Feed
from coinsphere.stream.graphql_transport import (
    INIT_SECONDS,
    NO_INIT,
    Closing,
    Conversation,
    SubscribingClient,
)
from coinsphere.stream.handover import HandoverSocket
from coinsphere.stream.hub import SUBSCRIPTIONS, Client, Hub
from coinsphere.stream.reading_pool import ReadingPool

RECHECK_SECONDS = 10.0
"""How soon a session that ran out closes its connections; of one that somebody ended the database tells at once."""
MAX_MESSAGE_BYTES = 16 * 1024
MESSAGES_A_MINUTE = 100
PING_SECONDS = 30.0
SESSION_ENDED = 4401
TOO_MANY = 4429
_CLOSE_SECONDS = 3.0
_MINUTE = 60.0

_log = log.get("stream")


class Stream:
    """The stream of one process.

    Args:
        settings: name the database, the keys and the origins that browsers may come from.
        clock: answers the present instant.
        recheck_seconds: how often the sessions of all clients are looked up without being told of a change.
    """

    def __init__(
        self, settings: Settings, clock: Clock = utc_now, recheck_seconds: float = RECHECK_SECONDS
    ) -> None:
        dsn = settings.url_for(Role.API)
        self._settings = settings
        self._clock = clock
        self._recheck_seconds = recheck_seconds
        self._pool = ReadingPool(dsn, prepares=settings.api_prepared_statements)
        self._admission = Admission(settings, self._pool, clock)
        self._callers: WeakKeyDictionary[ServerConnection, Caller] = WeakKeyDictionary()
        self._connections: dict[Client, ServerConnection] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        # All that comes through a proxy comes from its address.
        most = 0 if settings.trusted_proxies else settings.api_connections_per_address
        self._openings = Openings(most)
        self._crowd = garbage.Crowd()
        self.hub = Hub()
        self.feed = Feed(settings.api_direct_dsn, self._pool, self.hub, clock)

    @asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[Server]:
        """Serve while the context lasts; clients are told to go away at its end.

        Raises:
            ExceptionGroup: what feeds the clients, or watches their sessions, broke: without it they would hear nothing.
        """
        async with (
            self._pool,
            self._serve(host, port) as server,
            asyncio.TaskGroup() as group,
        ):
            handover_socket = HandoverSocket(
                self._settings.stream_socket,
                lambda accepted, begun: group.create_task(_adopt(server, accepted, begun)),
            )
            handover_socket.open()
            tasks = [
                group.create_task(self.feed.follow()),
                group.create_task(self._watch_sessions()),
            ]
            try:
                yield server
            finally:
                handover_socket.close()
                for task in tasks:
                    task.cancel()

    def _serve(self, host: str, port: int) -> Server:
        return serve(
            self._handle,
            host,
            port,
            select_subprotocol=handshake.chosen_protocol,
            process_request=self._admit,
            compression=None,
            server_header=None,
            ping_interval=PING_SECONDS,
            ping_timeout=PING_SECONDS,
            close_timeout=_CLOSE_SECONDS,
            max_size=MAX_MESSAGE_BYTES,
            create_connection=partial(Connection, self._openings),  # type: ignore[arg-type]  # it is called, no more
        )

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer what is no WebSocket of a known session; None lets the caller in."""
        try:
            if handshake.path_of(request) == "/health":
                self._admission.require_host(request)
                return self._health()
            caller = await self._admission.caller(request)
        except Refused as refused:
            return handshake.problem(refused.status, str(refused))
        if not self.hub.has_room(caller.user_id):
            return handshake.problem(
                HTTPStatus.TOO_MANY_REQUESTS, "too many connections of this user"
            )
        self._callers[connection] = caller
        return None

    def _health(self) -> Response:
        health = {"status": "ok", "listening": self.feed.listening.is_set()}
        return handshake.answer(HTTPStatus.OK, {**health, "clients": len(self._connections)})

    async def _handle(self, connection: ServerConnection) -> None:
        caller = self._callers.pop(connection)
        assert isinstance(connection, Connection)
        kind = SubscribingClient if connection.subprotocol == graphql_transport.PROTOCOL else Client
        drop = partial(_drop, connection)
        client = kind(caller.user_id, caller.session_id, drop, connection.wake)
        # Others of the same user may have come in while this one was shaking hands.
        if not self.hub.has_room(caller.user_id):
            await connection.close(TOO_MANY, "too many connections of this user")
            return
        self.hub.add(client)
        self._crowd.enter()
        self._connections[client] = connection
        connection.client = client
        try:
            async with asyncio.timeout(None) as patience:
                hear = self._hearing(client, patience)
                await self._converse(hear, connection)
        except TimeoutError:
            await connection.close(NO_INIT, "Connection initialisation timeout")
        except ConnectionClosed:
            pass  # how every conversation ends
        finally:
            connection.client = None
            del self._connections[client]
            self.hub.remove(client)
            self._crowd.leave()

    def _hearing(self, client: Client, patience: asyncio.Timeout) -> Callable[[str | bytes], None]:
        """What does as a client says, by the protocol that it chose."""
        if not isinstance(client, SubscribingClient):
            client.offer(messages.connected(self._clock()))
            return partial(self._respond, client)
        conversation = Conversation(client, self.hub, self.feed, self._begin)
        patience.reschedule(asyncio.get_running_loop().time() + INIT_SECONDS)

        def hear(text: str | bytes) -> None:
            conversation.hear(text)
            if client.has_begun:
                patience.reschedule(None)

        return hear

    async def _converse(
        self, hear: Callable[[str | bytes], None], connection: ServerConnection
    ) -> None:
        window, count = asyncio.get_running_loop().time(), 0
        async for text in connection:
            now = asyncio.get_running_loop().time()
            if now - window >= _MINUTE:
                window, count = now, 0
            count += 1
            if count > MESSAGES_A_MINUTE:
                await connection.close(TOO_MANY, "too many messages")
                return
            try:
                hear(text)
            except Closing as closing:
                await connection.close(closing.code, str(closing))
                return
            # What was said at once must not fill the queue before its sender runs.
            await asyncio.sleep(0)

    def _respond(self, client: Client, text: str | bytes) -> None:
        try:
            request = messages.parse(text)
        except ValueError as error:
            client.offer(messages.error("bad_message", str(error)))
            return
        match request:
            case messages.Ping():
                client.offer(messages.pong(self._clock()))
            case messages.Resume():
                self._begin(self.feed.resume(client, request.since))
            case messages.Subscribe():
                self._subscribe(client, {symbol.upper() for symbol in request.symbols})
            case messages.Unsubscribe():
                named = {symbol.upper() for symbol in request.symbols}
                gone = named & self.hub.symbols_of(client)
                self.hub.unsubscribe(client, gone)
                client.offer(messages.unsubscribed(gone))

    def _subscribe(self, client: Client, wanted: set[str]) -> None:
        known = wanted & self.feed.symbols
        if len(self.hub.symbols_of(client) | known) > SUBSCRIPTIONS:
            client.offer(messages.error("too_many", f"at most {SUBSCRIPTIONS} symbols"))
            return
        self.hub.subscribe(client, known)
        client.offer(messages.subscribed(known))
        if wanted - known:
            unknown = sorted(wanted - known)
            client.offer(messages.error("unknown_symbol", "not found", symbols=unknown))
        self.feed.welcome(client, known)

    async def _watch_sessions(self) -> None:
        """Close the connections of sessions that have ended: when told that one has, and by the clock where one runs out."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.feed.sessions_changed.wait(), self._recheck_seconds)
            self.feed.sessions_changed.clear()
            sessions = {client.session_id for client in self._connections}
            if not sessions:
                continue
            try:
                live = await self._admission.live(sessions)
            except (psycopg.Error, PoolTimeout) as error:
                # Nobody can log out either while the database is away.
                _log.warning("sessions could not be looked up", error=str(error))
                continue
            for client, connection in self._connections.items():
                if client.session_id in sessions and client.session_id not in live:
                    self._close(connection)

    def _close(self, connection: ServerConnection) -> None:
        self._begin(connection.close(SESSION_ENDED, "the session has ended"))

    def _begin(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something that nobody waits for."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _adopt(server: Server, accepted: socket, begun: bytes) -> None:
    """Go on with a connection that the API accepted as with one of our own."""

    def made() -> ServerConnection:
        # There is no public way to a connection of a server but its port.
        connection: Connection = server.server._protocol_factory()  # type: ignore[attr-defined]  # noqa: SLF001
        connection.begun = begun
        return connection

    accepted.settimeout(0)
    with suppress(OSError):
        await asyncio.get_running_loop().connect_accepted_socket(made, accepted)


def _drop(connection: ServerConnection) -> None:
    counters.DROPPED.inc()
    connection.transport.abort()
