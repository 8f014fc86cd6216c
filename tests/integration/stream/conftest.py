"""Signing keys, users with sessions, and a stream that runs in the test's own event loop."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect

from coinsphere.security.access_tokens import sign_access_token
from coinsphere.security.signing.file_keyring import FileKeyring
from coinsphere.settings import Settings
from coinsphere.stream.server import Stream
from tests.fakes.streams import Streams, streaming

from .feeding import VENUES

_QUOTE = """
    insert into market.quotes (token_id, price, change_24h, source, observed_at)
    select id, %(price)s, 1.5, 'kraken', now() from market.tokens where symbol = any(%(symbols)s)
    on conflict (token_id) do update set price = excluded.price, observed_at = excluded.observed_at
"""


@pytest.fixture(scope="session")
def key(tmp_path_factory) -> FileKeyring:
    """The keys that sign access tokens."""
    folder = tmp_path_factory.mktemp("keys")
    folder.chmod(0o700)
    return FileKeyring(folder)


@dataclass(frozen=True)
class Account:
    """A user with one session and its access token."""

    user_id: UUID
    session_id: UUID
    token: str


@dataclass
class World:
    """What happens outside of the stream: users come, prices move."""

    conn: psycopg.Connection
    key: FileKeyring
    settings: Settings

    def account(self, email: str = "ada@example.org") -> Account:
        (user,) = self.conn.execute(
            "insert into app.users (email, password_hash) values (%s, 'x') returning id", [email]
        ).fetchone()
        (session,) = self.conn.execute(
            "insert into app.sessions (user_id, expires_at) values (%s, now() + interval '1 day') returning id",
            [user],
        ).fetchone()
        return Account(user, session, self._token(user, session))

    def _token(self, user: UUID, session: UUID) -> str:
        return sign_access_token(
            self.key,
            user,
            session,
            issuer=self.settings.jwt_issuer,
            audience=self.settings.jwt_audience,
            now=datetime.now(UTC),
            life=timedelta(minutes=10),
        )

    def quote(self, price, *symbols: str) -> None:
        self.conn.execute(_QUOTE, {"price": price, "symbols": list(symbols) or ["BTC"]})

    def token_id(self, symbol: str) -> UUID:
        return self.conn.execute(
            "select id from market.tokens where symbol = %s", [symbol]
        ).fetchone()[0]


@pytest.fixture
def world(database, owner, key, tmp_path) -> World:
    settings = Settings(
        home=tmp_path,
        database_url=SecretStr(database.api),
        jwt_keys_dir=key.folder,
        cors_origins=("https://app.example.org",),
    )
    return World(owner, key, settings)


class Running:
    """A stream that serves on a free port."""

    def __init__(self, stream: Stream, port: int) -> None:
        self.stream = stream
        self.port = port

    def client(self, account: Account | None = None, *, path="/api/v1/ws", headers=(), **options):
        """A connection as `account`; the context fails with `InvalidStatus` where it is refused."""
        given = dict(headers)
        if account is not None:
            given["Authorization"] = f"Bearer {account.token}"
        url = f"ws://127.0.0.1:{self.port}{path}"
        return connect(url, additional_headers=given, proxy=None, **options)

    async def listening(self) -> None:
        async with asyncio.timeout(60):
            await self.stream.feed.listening.wait()


@asynccontextmanager
async def running(world: World, **options) -> AsyncIterator[Running]:
    stream = Stream(world.settings, **options)
    async with stream.serving("127.0.0.1", 0) as server:
        made = Running(stream, server.sockets[0].getsockname()[1])
        await made.listening()
        yield made


async def receive(client: ClientConnection, kind: str, seconds: float = 30) -> dict:
    """The next message of that kind; others are passed over."""
    async with asyncio.timeout(seconds):
        while True:
            message = json.loads(await client.recv())
            if message["type"] == kind:
                return message


async def say(client: ClientConnection, kind: str, **fields) -> None:
    await client.send(json.dumps({"type": kind, **fields}))


@pytest.fixture
def streams() -> Iterator[Streams]:
    """Local venues that stream the prices of two tokens, and of what converts Binance's."""
    with streaming() as made:
        for name in VENUES:
            made.add(name, BTC="100.5", ETH="5.25")
        made.venues["kraken"].prices["USDT"] = "1.0"
        made.venues["coinbase"].prices["USDT"] = "1.0"
        yield made
