"""Two of each behind the front: what clients notice while processes are killed, or restarted one after the other."""

import asyncio
import itertools
import json
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread

import aiohttp
import httpx2
import psutil
import psycopg
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from coinsphere.security.signing.file_keyring import FileKeyring
from ml import pipeline
from tests.conftest import free_port
from tests.integration.deploy.apart import FRONT, PASSWORD, System, command, until, variables
from tests.integration.ml.conftest import NOW, Warehouse
from tests.integration.ml.conftest import mlflow_server as mlflow_server  # noqa: PLC0414 - a fixture
from tests.integration.ml.conftest import warehouse as warehouse  # noqa: PLC0414 - a fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

V1 = "/api/v1"
SYMBOL = "ETH"
_PORTS = ("api", "stream", "metrics", "http", "https")
_STARTED = ("ml", "api", "api-b", "stream", "stream-b", "worker", "feed")
_TRADE = {
    "type": "buy",
    "tokenSymbol": "BTC",
    "amount": 1,
    "price": 50_000,
    "timestamp": "2026-06-01T00:00:00Z",
}
_FIRED = """
    insert into app.alert_events (alert_id, fired_at, condition, threshold, observed_value, source, observed_at)
    select %s, now(), 'above', 1, %s, 'kraken', now()
"""


def _many(folder, warehouse: Warehouse, redis_url: str) -> tuple[dict, dict]:
    """Variables of three processes of the API, two of the stream and one of each other, and their ports."""
    database, ports = warehouse.database, {name: free_port() for name in _PORTS}
    given = variables(folder, database, redis_url, ports)
    common = {name: each for name, each in given["stream"].items() if "DATABASE_URL" not in name}
    given["ml"] = common | {"COINSPHERE_READONLY_DATABASE_URL": database.readonly}
    given["feed"] = common | {"COINSPHERE_PIPELINE_DATABASE_URL": database.pipeline}
    for name in ("api-b", "api-c", "stream-b"):
        given[name] = given[name.partition("-")[0]]
    for name in (*_STARTED, "api-c"):
        ports.setdefault(name, free_port())
        given[name] = given[name] | _own(name, folder, ports, warehouse.settings.mlflow_url)
    given["caddy"] |= {
        f"COINSPHERE_{kind.upper()}_UPSTREAM": f"127.0.0.1:{ports[kind]} 127.0.0.1:{ports[kind + '-b']}"
        for kind in ("api", "stream")
    }
    return given, ports


def _own(name: str, folder, ports: dict[str, int], mlflow_url: str) -> dict[str, str]:
    """Variables of one process; it tells that it is well on the port of its name."""
    kind = name.partition("-")[0].upper()
    told = "PORT" if kind in ("API", "STREAM", "ML") else "METRICS_PORT"
    figures = {
        f"COINSPHERE_{each}METRICS_PORT": str(free_port()) for each in ("", "STREAM_", "ML_")
    }
    return figures | {
        "COINSPHERE_HOME": str(folder / name),
        "COINSPHERE_ML_URL": f"http://127.0.0.1:{ports['ml']}",
        "COINSPHERE_MLFLOW_URL": mlflow_url,
        "COINSPHERE_SERVICE_TOKEN": "a token of thirty-two characters",
        "COINSPHERE_RATE_LIMIT_API": "1000000",
        "COINSPHERE_API_DRAIN_SECONDS": "8",
        f"COINSPHERE_{kind}_{told}": str(ports[name]),
    }


@dataclass
class Several:
    """The running system, its ports by name, and a user of it."""

    system: System
    ports: dict[str, int]
    stack: ExitStack
    headers: dict[str, str] = field(default_factory=dict)

    def start(self, *names: str) -> None:
        for name in names:
            kind = name.partition("-")[0]
            self.stack.enter_context(self.system.process(name, command(kind)))
        for name in names:
            self.await_well(name)

    def await_well(self, name: str) -> None:
        paths = {"api": "/health/ready", "worker": "/metrics", "feed": "/metrics"}
        url = f"http://127.0.0.1:{self.ports[name]}{paths.get(name.partition('-')[0], '/health')}"
        until(lambda: httpx2.get(url, trust_env=False, timeout=10).is_success, name)

    def restart(self, name: str) -> None:
        self.system.running[name].terminate()
        self.system.running[name].wait(180)
        self.start(name)


@pytest.fixture(scope="module")
def database(warehouse):
    """One with a champion, and a forecast that it issued in its time: what is made later about the past counts for nothing."""
    with warehouse.pipeline() as conn:
        learned = pipeline.build_training_set(conn, warehouse.token(SYMBOL), warehouse.settings)
        trained = pipeline.train_token(warehouse.settings, learned)
        champion = pipeline.evaluate_token(conn, warehouse.settings, learned, trained)
        pipeline.predict_token(conn, warehouse.settings, champion.token, NOW)
    return warehouse.database


@pytest.fixture(scope="module")
def several(database, warehouse, module_redis, tmp_path_factory) -> Iterator[Several]:
    folder = tmp_path_factory.mktemp("several")
    FileKeyring(folder / "keys")
    given, ports = _many(folder, warehouse, module_redis.url)
    system = System(folder, given, ports["http"], ports["https"])
    with ExitStack() as stack:
        made = Several(system, ports, stack)
        stack.enter_context(system.process("caddy", FRONT))
        made.start(*_STARTED)
        until(system.authority.exists, "a certificate")
        with system.client() as client:
            until(lambda: client.get("/health/ready").is_success, "the front")
            body = {"email": "ada@example.com", "password": PASSWORD}
            answer = client.post(f"{V1}/auth/register", json=body, timeout=180)
            made.headers["Authorization"] = f"Bearer {answer.json()['accessToken']}"
        yield made
        for process in system.running.values():
            process.terminate()  # all at once; the second time nobody drains


@pytest.fixture
def tell(request, capfd) -> Callable[[str], None]:
    """Shows a line in the report, whether or not the test fails."""
    reporter = request.config.pluginmanager.getplugin("terminalreporter")

    def show(line: str) -> None:
        if reporter is None:
            return  # a process of xdist
        with capfd.disabled():
            reporter.write_line(line)

    return show


@dataclass
class Heard:
    """What a client that comes back heard: firings by their value, how often it came back, and the longest that took."""

    values: list[int] = field(default_factory=list)
    returns: int = 0
    slowest: float = 0.0


async def _listen(several: Several, heard: Heard, last: int) -> None:
    """Hear alerts until that of the value `last`; after each cut come back, and say what was heard last."""
    known, since, lost_at = set(), datetime.now(UTC), None
    while last not in heard.values:
        try:
            async with asyncio.timeout(60), _connected(several) as client:
                if lost_at is not None:
                    heard.returns += 1
                    heard.slowest = max(heard.slowest, time.monotonic() - lost_at)
                    lost_at = None
                await client.send(json.dumps({"type": "resume", "since": since.isoformat()}))
                async for text in client:
                    message = json.loads(text)
                    if message["type"] != "alert" or message["id"] in known:
                        continue
                    known.add(message["id"])
                    since = max(since, datetime.fromisoformat(message["timestamp"]))
                    heard.values.append(int(message["value"]))
                    if heard.values[-1] == last:
                        return
        except (WebSocketException, OSError):
            lost_at = lost_at or time.monotonic()
            await asyncio.sleep(0.05)


def _connected(several: Several):
    address = f"wss://localhost:{several.system.https_port}{V1}/ws"
    return connect(address, ssl=several.system.tls(), additional_headers=several.headers)


def _alert(database, several: Several) -> str:
    with several.system.client() as client, psycopg.connect(database.owner) as conn:
        user = client.get(f"{V1}/auth/me", headers=several.headers).json()["user"]["id"]
        query = """
            insert into app.alerts (user_id, token_id, alert_type, condition, threshold, channels)
            select %s, id, 'price', 'above', 1, '{stream}' from market.tokens where symbol = 'BTC' and is_active
            returning id
        """
        return conn.execute(query, [user]).fetchone()[0]


def test_clients_of_a_stream_that_is_killed_miss_nothing(several, database, tell) -> None:
    firings, killed_at = 200, 80
    alert = _alert(database, several)

    async def watch() -> list[Heard]:
        clients = [Heard() for _ in range(4)]
        async with (
            await psycopg.AsyncConnection.connect(database.owner, autocommit=True) as conn,
            asyncio.TaskGroup() as group,
        ):
            for each in clients:
                group.create_task(_listen(several, each, firings - 1))
            await asyncio.sleep(2)
            for value in range(firings):
                await conn.execute(_FIRED, [alert, value])
                if value == killed_at:
                    several.system.running["stream"].kill()
                await asyncio.sleep(0.02)
        return clients

    clients = asyncio.run(watch())
    several.start("stream")
    tell(
        f"{sum(each.returns for each in clients)} came back, within {max(each.slowest for each in clients):.2f} s"
    )
    assert [sorted(each.values) for each in clients] == [list(range(firings))] * len(clients)
    assert sum(each.returns for each in clients) >= 1


@dataclass
class Load:
    """Requests of some clients at an even rate, or as fast as they are answered where that is slower, and what came of each."""

    several: Several
    trade: dict[str, object]
    came: Counter[str] = field(default_factory=Counter)
    stopped: Event = field(default_factory=Event)

    async def run(self) -> None:
        connector = aiohttp.TCPConnector(ssl=self.several.system.tls())
        headers, numbers = self.several.headers, itertools.count(1)
        async with (
            aiohttp.ClientSession(
                self.several.system.url, connector=connector, headers=headers
            ) as client,
            asyncio.TaskGroup() as group,
        ):
            for number in range(_CLIENTS):
                group.create_task(self._ask(client, numbers, number * _PAUSE / _CLIENTS))

    async def _ask(self, client: aiohttp.ClientSession, numbers: Iterator[int], due: float) -> None:
        began = time.monotonic()
        while not self.stopped.is_set():
            await asyncio.sleep(max(0.0, began + due - time.monotonic()))
            due = max(due, time.monotonic() - began) + _PAUSE
            await self._one(client, next(numbers))

    async def _one(self, client: aiohttp.ClientSession, number: int) -> None:
        method, path, body = "GET", _READS[number % len(_READS)], None
        if number % 20 == 0:
            method, path, body = "POST", f"{V1}/transactions", self.trade
        try:
            async with client.request(method, path, json=body) as answer:
                await answer.read()
                self.came[f"{answer.status}" if answer.ok else f"{answer.status} {path}"] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            self.came[f"{path} {error!r}"] += 1


A_SECOND, _CLIENTS = 200, 32
_PAUSE = _CLIENTS / A_SECOND
# Most are what programs ask for over and over; the page and the forecast cost the most.
_READS = [f"{V1}/tokens", f"{V1}/auth/me"] * 9 + ["/", f"{V1}/predictions/{SYMBOL}"]


@contextmanager
def loaded(several: Several) -> Iterator[Load]:
    """Requests while something is done; none of them may fail, and what was written is there once."""
    with several.system.client() as client:
        made = client.post(f"{V1}/portfolios", json={"name": "Load"}, headers=several.headers)
    load = Load(several, _TRADE | {"portfolioId": made.json()["portfolio"]["id"]})
    thread = Thread(target=lambda: asyncio.run(load.run()))
    thread.start()
    try:
        yield load
    finally:
        load.stopped.set()
        thread.join()


@pytest.mark.parametrize(
    "names", [["api", "api-b"], ["stream", "stream-b"], ["worker"], ["feed"], ["ml"]], ids=" ".join
)
def test_no_request_fails_while_each_process_is_restarted(several, database, tell, names) -> None:
    began = time.monotonic()
    with loaded(several) as load:
        for name in names:
            several.restart(name)
    seconds = time.monotonic() - began
    tell(
        f"{load.came.total()} answers in {seconds:.0f} s while {', '.join(names)} restarted: {dict(load.came)}"
    )
    assert set(load.came) == {"200", "201"}
    with psycopg.connect(database.owner) as conn:
        query = "select count(*) from app.transactions where portfolio_id = %s"
        stored = conn.execute(query, [load.trade["portfolioId"]]).fetchone()[0]
    assert stored == load.came["201"], "what was acknowledged is there once"


def _cpu_a_request(several: Several, names: list[str]) -> float:
    """Milliseconds of CPU of these processes for a request, asked by turns: side by side they would share two cores."""
    before = _computed(several, names)
    for name in names * _BURSTS:
        _ask(several.headers, several.ports[name])
    return 1000 * (_computed(several, names) - before) / (len(names) * _BURSTS * _A_BURST)


def _ask(headers: dict[str, str], port: int) -> None:
    """Send all requests at once, so that a process never waits for the next one: to be woken costs as much as a request."""
    lines = [f"GET {V1}/tokens HTTP/1.1", "Host: localhost", *map(": ".join, headers.items())]
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as raw,
        raw.makefile("rb") as file,
    ):
        raw.sendall("\r\n".join([*lines, "", ""]).encode() * _A_BURST)
        answers = (line for line in file if line.endswith(b"HTTP/1.1 200 OK\r\n"))
        assert len(list(itertools.islice(answers, _A_BURST))) == _A_BURST


def _computed(several: Several, names: list[str]) -> float:
    """Seconds of CPU so far, by the processes' own clocks: what psutil says counts in hundredths."""
    masters = [psutil.Process(several.system.running[name].pid) for name in set(names)]
    return sum(
        time.clock_gettime(~each.pid << 3 | _OF_A_PROCESS)
        for master in masters
        for each in (master, *master.children(recursive=True))
    )


_A_BURST, _BURSTS, _SLICES = 100, 3, 6
_OF_A_PROCESS = 2
"""Linux names the CPU clock of a process by its id and this (clock_getcpuclockid)."""


def test_three_processes_serve_as_many_requests_a_second_of_cpu_as_one(several, tell) -> None:
    """In turn, and by the least of each: whatever else the machine does adds to a slice, and takes nothing away."""
    several.start("api-c")
    names = ["api", "api-b", "api-c"]
    for name in names:
        _cpu_a_request(several, [name])  # what is cached, is
    alone, together = [], []
    for number in range(_SLICES):
        alone.append(_cpu_a_request(several, [names[number % len(names)]] * len(names)))
        together.append(_cpu_a_request(several, names))
    one, three = min(alone), min(together)
    tell(
        f"{one:.2f} ms of CPU a request of one, {three:.2f} of three: {3 * one / three:.2f} times as many"
    )
    assert 3 * one / three >= 2.6
