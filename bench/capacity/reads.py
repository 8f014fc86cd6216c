"""What a request costs: the API, PostgreSQL and Redis apart, pages of the database that it looks at, and how long it takes.

Time says much of what else the machine does. So crowds of different sizes stand side by side and are asked in turns, a slice
of a second or less each: what slows one slows the other, and their ratio is what the number of users does. Each request is
of another user than the one before, so that nothing is warm but what many share.
"""

import http.client
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from bench.hot import V1
from bench.serving import Serving, cpu_seconds
from coinsphere.security.access_tokens import sign_access_token
from coinsphere.security.signing.file_keyring import FileKeyring
from coinsphere.settings import Settings

ROUTES = {
    "/auth/me": "/auth/me",
    "/tokens": "/tokens",
    "/tokens/{symbol}": "/tokens/BTC",
    "/predictions/{symbol}": "/predictions/BTC",
    "/portfolios": "/portfolios",
    "/portfolios/{id}": "/portfolios/{id}",
    "/transactions": "/transactions",
    "/portfolios/{id}/performance": "/portfolios/{id}/performance?days=365",
    "/alerts": "/alerts",
}
READERS = 200
SLICE = 50
"""Requests that one crowd is asked before the other has its turn."""
_SECONDS_UNTIL_TOLD = 11
"""PostgreSQL's processes tell what they read once they have been idle for ten seconds."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a route: milliseconds of CPU a request in each server, pages read, milliseconds that an answer takes, its bytes."""

    api_ms: float
    postgres_ms: float
    redis_ms: float
    pages: float
    p50_ms: float
    p99_ms: float
    bytes: float


@dataclass(frozen=True, slots=True)
class Reader:
    """A user of the crowd with an access token."""

    user_id: UUID
    portfolio_id: UUID
    token: str


@dataclass(frozen=True, slots=True)
class Side:
    """A crowd's system, and its readers, one after the other and over again."""

    serving: Serving
    people: Iterator[Reader]

    def pages(self) -> int:
        """Blocks that PostgreSQL has looked at so far."""
        with psycopg.connect(self.serving.superuser_url) as conn:
            row: Any = conn.execute(_PAGES).fetchone()
        return int(row[0])

    def cpu_seconds(self) -> list[float]:
        """Of the API, PostgreSQL and Redis, so far."""
        parts = (self.serving.api, self.serving.postgres, self.serving.redis)
        return [cpu_seconds(pid) for pid in parts]


@dataclass(frozen=True, slots=True)
class Slice:
    """Seconds of each answer, seconds of CPU of the three servers, and bytes of all answers."""

    taken: list[float]
    cpu: list[float]
    length: int


def measure(
    crowds: Sequence[tuple[Serving, int]], requests: int
) -> list[dict[str, dict[str, float]]]:
    """The cost of each route, in the order of the crowds, over so many requests of readers evenly among the users of each."""
    sides = [Side(serving, cycle(readers(serving, users))) for serving, users in crowds]
    for side in sides:
        _ask(side, "/auth/me", READERS)
    time.sleep(_SECONDS_UNTIL_TOLD)
    costs = {name: _costs(sides, path, requests) for name, path in ROUTES.items()}
    return [
        {name: asdict(each[place]) for name, each in costs.items()} for place in range(len(sides))
    ]


def readers(serving: Serving, users: int, count: int = READERS) -> list[Reader]:
    """People of a crowd of `users`, evenly among them, with tokens that the API believes."""
    settings = Settings.from_env(serving.variables)
    keyring = FileKeyring(Path(settings.keys_dir))
    numbers = range(1, users + 1, max(users // count, 1))[:count]
    return [_reader(keyring, settings, number) for number in numbers]


def made_id(what: str, number: int) -> UUID:
    """The id that `made_up_users` gives to the thing of that number."""
    return UUID(md5(f"{what}{number}".encode(), usedforsecurity=False).hexdigest())


def _reader(keyring: FileKeyring, settings: Settings, number: int) -> Reader:
    user_id = made_id("user", number)
    token = sign_access_token(
        keyring,
        user_id,
        made_id("session", number),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        now=datetime.now(UTC),
        life=timedelta(minutes=60),
    )
    return Reader(user_id, made_id("portfolio", number), token)


def _costs(sides: Sequence[Side], path: str, requests: int) -> list[Cost]:
    """Of each side, asked in turns once every reader has asked."""
    before = [side.pages() for side in sides]
    for side in sides:
        _ask(side, path, READERS)
    slices = [_ask(side, path, SLICE) for _ in range(requests // SLICE) for side in sides]
    time.sleep(_SECONDS_UNTIL_TOLD)
    pages = [side.pages() - start for side, start in zip(sides, before, strict=True)]
    return [
        _cost(slices[place :: len(sides)], pages[place] / (READERS + requests))
        for place in range(len(sides))
    ]


def _cost(slices: Sequence[Slice], pages: float) -> Cost:
    asked = sum(len(each.taken) for each in slices)
    cpu = (1000 * sum(part) / asked for part in zip(*(each.cpu for each in slices), strict=True))
    # The first of a slice opens the connection, and finds the processor's caches full of the other crowd.
    taken = sorted(seconds for each in slices for seconds in each.taken[1:])
    p50, p99 = (1000 * taken[int(share * (len(taken) - 1))] for share in (0.5, 0.99))
    return Cost(*cpu, pages, p50, p99, sum(each.length for each in slices) / asked)


def _ask(side: Side, path: str, requests: int) -> Slice:
    """One request after the other over one connection."""
    host = urlsplit(side.serving.url)
    connection = http.client.HTTPConnection(str(host.hostname), host.port, timeout=60)
    before = side.cpu_seconds()
    answers = [_answer(connection, path, next(side.people)) for _ in range(requests)]
    cpu = [end - start for start, end in zip(before, side.cpu_seconds(), strict=True)]
    connection.close()
    return Slice([seconds for seconds, _ in answers], cpu, sum(length for _, length in answers))


def _answer(connection: http.client.HTTPConnection, path: str, reader: Reader) -> tuple[float, int]:
    """Seconds that an answer took, and its bytes."""
    headers = {"Authorization": f"Bearer {reader.token}"}
    began = time.perf_counter()
    connection.request("GET", V1 + path.format(id=reader.portfolio_id), headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    taken = time.perf_counter() - began
    if answer.status != http.client.OK:
        raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
    return taken, len(body)


_PAGES = "select blks_hit + blks_read from pg_stat_database where datname = current_database()"
