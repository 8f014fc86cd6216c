"""What a request costs: the API, PostgreSQL and Redis apart, pages of the database that it looks at, and how long it takes.

Time says much of what else the machine does; CPU and pages hardly do, so growth is judged by these. Each request is of
another user than the one before, so that nothing is warm but what many share.
"""

import http.client
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
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


def measure(serving: Serving, users: int, requests: int) -> dict[str, dict[str, float]]:
    """The cost of each route, over so many requests of readers that lie evenly among the users."""
    people = readers(serving, users)
    _ask(serving.url, people, "/auth/me", len(people))
    time.sleep(_SECONDS_UNTIL_TOLD)
    return {name: asdict(_cost(serving, people, path, requests)) for name, path in ROUTES.items()}


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


def _cost(serving: Serving, people: Sequence[Reader], path: str, requests: int) -> Cost:
    parts, warm = (serving.api, serving.postgres, serving.redis), len(people) // 4
    with psycopg.connect(serving.superuser_url, autocommit=True) as conn:
        pages = _pages(conn)
        _ask(serving.url, people, path, warm)
        before = [cpu_seconds(pid) for pid in parts]
        taken, length = _ask(serving.url, people, path, requests)
        after = [cpu_seconds(pid) for pid in parts]
        time.sleep(_SECONDS_UNTIL_TOLD)
        read = _pages(conn) - pages
    api, postgres, redis = (
        1000 * (end - start) / requests for start, end in zip(before, after, strict=True)
    )
    taken.sort()
    p50, p99 = (1000 * taken[int(share * (requests - 1))] for share in (0.5, 0.99))
    return Cost(api, postgres, redis, read / (warm + requests), p50, p99, length / requests)


def _ask(url: str, people: Sequence[Reader], path: str, requests: int) -> tuple[list[float], int]:
    """Seconds of each answer, one after the other over one connection, and the bytes of all."""
    host = urlsplit(url)
    connection = http.client.HTTPConnection(str(host.hostname), host.port, timeout=60)
    taken, length = [], 0
    for number in range(requests):
        reader = people[number % len(people)]
        headers = {"Authorization": f"Bearer {reader.token}"}
        began = time.perf_counter()
        connection.request("GET", V1 + path.format(id=reader.portfolio_id), headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        taken.append(time.perf_counter() - began)
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        length += len(body)
    connection.close()
    return taken, length


def _pages(conn: psycopg.Connection) -> int:
    row: Any = conn.execute(_PAGES).fetchone()
    return int(row[0])


_PAGES = "select blks_hit + blks_read from pg_stat_database where datname = current_database()"
