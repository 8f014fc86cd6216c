"""An API on real PostgreSQL and Redis, people who use it, and a model server that speaks the agreed protocol."""

import json
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import psycopg
import pytest
import redis
from flask.testing import FlaskClient
from pydantic import SecretStr
from werkzeug.test import TestResponse

from coinsphere.local.redis import RedisServer
from coinsphere.portfolio.jobs import recompute
from coinsphere.security.signing.file_keyring import FileKeyring
from coinsphere.settings import Settings
from tests.conftest import _wait_for_redis, free_port
from webapi.app import create_app

V1 = "/api/v1"
PASSWORD = "correct horse battery"
NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
OPTIONS = "-c search_path=app,market,model,jobs,public -c timezone=UTC"


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a signing key: making one takes a while."""
    folder = tmp_path_factory.mktemp("keys")
    folder.chmod(0o700)
    FileKeyring(folder)
    return folder


@dataclass
class ModelServer:
    """What the model server would answer, by symbol or `SYMBOL?days`: a status and a body; everything else is 404."""

    url: str
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)
    silent_seconds: float = 0
    late_seconds: float = 0


@pytest.fixture(scope="module")
def model_server() -> Iterator[ModelServer]:
    """A local server that speaks the model server's protocol, with answers that a test sets."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            state.asked.append((address.path, parse_qs(address.query)))
            symbol = address.path.rpartition("/")[2]
            days = parse_qs(address.query).get("days", [""])[0]
            symbol = f"{symbol}?{days}" if f"{symbol}?{days}" in state.answers else symbol
            healthy = {"status": "healthy", "models_loaded": 1, "models": ["BTC"]}
            status, body = (
                (200, healthy)
                if address.path in ("/health", "/server_info")
                else state.answers.get(symbol, (404, {"error": f"unknown symbol {symbol}"}))
            )
            self._send(status, body if isinstance(body, bytes) else json.dumps(body).encode())

        def _send(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self) -> None:
            """Dagster's GraphQL, asked for its daemons and schedules."""
            self.rfile.read(int(self.headers["Content-Length"]))
            beat = {"daemonType": "SENSOR", "required": True, "healthy": True}
            beat["lastHeartbeatTime"] = time.time() - state.silent_seconds
            tick = {"status": "SUCCESS", "timestamp": time.time() - 60 - state.late_seconds}
            schedule = {"status": "RUNNING", "ticks": [tick]}
            minute = {"name": "minute", "cronSchedule": "* * * * *", "scheduleState": schedule}
            data = {
                "instance": {"daemonHealth": {"allDaemonStatuses": [beat]}},
                "repositoriesOrError": {"nodes": [{"schedules": [minute]}]},
            }
            self._send(200, json.dumps({"data": data}).encode())

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = (
            64  # twenty ask at once, and a fifth of five that wait is told nothing for a second
        )

    server = Server(("127.0.0.1", 0), Handler)
    state = ModelServer(f"http://127.0.0.1:{server.server_address[1]}")
    Thread(target=server.serve_forever, daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def api_settings(
    module_database, module_redis, model_server, keys_dir, tmp_path_factory
) -> Settings:
    """Settings of an API with the API's role; caches live long, so that nothing expires in a test."""
    return Settings(
        home=tmp_path_factory.mktemp("home"),
        database_url=SecretStr(module_database.api),
        redis_url=SecretStr(module_redis.url),
        ml_url=model_server.url,
        dagster_url=model_server.url,
        mlflow_url=model_server.url,
        stream_port=urlsplit(model_server.url).port,
        jwt_keys_dir=keys_dir,
        cache_seconds=60,
    )


@pytest.fixture(scope="module")
def clock() -> list[datetime]:
    """The API's present instant: a test may set another."""
    return [NOW]


@pytest.fixture(scope="module")
def app(api_settings, clock):
    """The API of this module."""
    from webapi.services import EXTENSION

    made = create_app(api_settings, clock=lambda: clock[0])
    yield made
    made.extensions[EXTENSION].close()


@pytest.fixture
def client(app, redis_url) -> FlaskClient:
    """A client of an API whose cache is empty, and which remembers nothing."""
    from webapi.services import EXTENSION

    app.extensions[EXTENSION].changes.tell()
    return app.test_client()


@pytest.fixture
def cache(redis_url) -> Iterator[redis.Redis]:
    """The API's Redis."""
    with redis.Redis.from_url(redis_url) as opened:
        yield opened


@dataclass
class OwnRedis:
    """A Redis that a test may kill."""

    url: str
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    """A Redis of this test alone."""
    server = RedisServer(tmp_path / "redis" / "redis.conf", free_port(), secrets.token_hex(8))
    server.initialise()
    with subprocess.Popen(server.command(), stdout=subprocess.DEVNULL) as process:
        _wait_for_redis(server.url)
        yield OwnRedis(server.url, process)
        process.kill()


@pytest.fixture
def owner_db(module_database) -> Iterator[psycopg.Connection]:
    """A connection of the owner to the API's database, in autocommit."""
    with psycopg.connect(module_database.owner, autocommit=True) as conn:
        conn.execute("set search_path = app, market, model, jobs, public")
        yield conn


@dataclass
class Person:
    """A user of the API with a live session."""

    client: FlaskClient
    id: str
    email: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {**self.headers, **options.pop("headers", {})}
        return self.client.open(V1 + path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.ask("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.ask("POST", path, json=body, **options)


def register(client: FlaskClient, email: str | None = None, **fields: Any) -> TestResponse:
    body = {"email": email or f"{secrets.token_hex(6)}@example.com", "password": PASSWORD, **fields}
    return client.post(f"{V1}/auth/register", json=body)


def new_person(client: FlaskClient) -> Person:
    answer = register(client)
    assert answer.status_code == 201, answer.text
    body = answer.json
    user = body["user"]
    return Person(client, user["id"], user["email"], body["accessToken"], body["refreshToken"])


@pytest.fixture
def person(client) -> Person:
    """A user."""
    return new_person(client)


@pytest.fixture
def other(client) -> Person:
    """Another user."""
    return new_person(client)


@pytest.fixture
def administrator(client, owner_db) -> Person:
    """An administrator."""
    made = new_person(client)
    owner_db.execute("update app.users set role = 'admin' where id = %s", [made.id])
    return made


@pytest.fixture
def analyst(client, owner_db):
    made = new_person(client)
    owner_db.execute("update app.users set role = 'analyst' where id = %s", [made.id])
    return made


def assert_problem(answer: TestResponse, status: int, *, says: str = "") -> dict[str, Any]:
    """Check the one shape of errors; returns the body."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/problem+json"
    body = json.loads(answer.data)
    assert {"type", "title", "status", "detail", "instance", "error"} <= set(body)
    assert body["status"] == status
    assert body["instance"] == answer.headers["X-Request-ID"]
    assert isinstance(body["error"], str)
    assert says in body["error"]
    return body


def exact(answer: TestResponse) -> Any:
    """The body with every number as a decimal of its literal text."""
    return json.loads(answer.data, parse_float=Decimal, parse_int=Decimal)


def quote(conn: psycopg.Connection, symbol: str, price: str, **values: Any) -> None:
    """Set the current price of a seeded token."""
    row = {
        "symbol": symbol,
        "price": Decimal(price),
        "cap": None,
        "volume": None,
        "change": None,
        "source": "binance",
        "at": NOW,
        **values,
    }
    conn.execute(
        """
        insert into market.quotes (token_id, price, volume_24h, market_cap, change_24h, source, observed_at)
        select id, %(price)s, %(volume)s, %(cap)s, %(change)s, %(source)s, %(at)s
        from market.tokens where symbol = %(symbol)s
        on conflict (token_id) do update set
            price = excluded.price, market_cap = excluded.market_cap, source = excluded.source
        """,
        row,
    )


@pytest.fixture
def work(module_database):
    """Does what the worker would: all jobs of a person's portfolios."""

    def update(person) -> int:
        with psycopg.connect(module_database.pipeline, autocommit=True, options=OPTIONS) as conn:
            return recompute.update(conn, UUID(person.id), NOW)

    return update


@pytest.fixture(scope="module")
def prices(module_database):
    """Daily closes from 1 February: BTC rises by 100 a day from 50,000, ETH stays at 2,000; quotes of today."""
    with psycopg.connect(module_database.owner, autocommit=True, options=OPTIONS) as conn:
        for symbol, start, step in (("BTC", 50_000, 100), ("ETH", 2_000, 0)):
            conn.execute(
                """
                insert into market.price_data
                    (token_id, interval, opened_at, open, high, low, close, source, is_final, observed_at)
                select t.id, '1d', d, p, p, p, p, 'kraken', true, d
                from market.tokens t
                cross join generate_series('2026-02-01'::timestamptz, '2026-03-09', '1 day') with ordinality as g (d, n)
                cross join lateral (select %s + %s * (n - 1) as p) as price
                where t.symbol = %s
                """,
                [start, step, symbol],
            )
        quote(conn, "BTC", "60000", change=Decimal(2), at=NOW)
        quote(conn, "ETH", "2500", change=None, at=NOW)
        conn.execute(
            "insert into market.exchange_rates (currency, day, per_euro, source) values ('USD', '2026-01-02', 1.25, 'ecb')"
        )
