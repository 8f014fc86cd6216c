"""Two of each behind the front: what clients notice while processes are killed, or restarted one after the other."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread

import httpx2
import psutil
import psycopg
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from coinsphere.security.signing.file_keyring import FileKeyring
from tests.conftest import free_port
from tests.integration.deploy.apart import FRONT, PASSWORD, System, command, until, variables

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

V1 = "/api/v1"
A_SECOND = 200
_PORTS = ("api", "stream", "metrics", "http", "https")
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


def _many(folder, database, redis_url) -> tuple[dict, dict]:
    """Variables of three processes of the API and two of the stream, and their ports."""
    ports = {name: free_port() for name in _PORTS}
    given = variables(folder, database, redis_url, ports)
    for name in ("api-b", "api-c", "stream-b"):
        kind = name.partition("-")[0]
        ports[name] = free_port()
        given[name] = {
            **given[kind],
            f"COINSPHERE_{kind.upper()}_PORT": str(ports[name]),
            "COINSPHERE_METRICS_PORT": str(free_port()),
            "COINSPHERE_HOME": str(folder / name),
        }
    for each in given.values():
        each |= {
            "COINSPHERE_STREAM_METRICS_PORT": str(free_port()),
            "COINSPHERE_RATE_LIMIT_API": "1000000",
        }
    given["caddy"] |= {
        f"COINSPHERE_{kind.upper()}_UPSTREAM": f"127.0.0.1:{ports[kind]} 127.0.0.1:{ports[kind + '-b']}"
        for kind in ("api", "stream")
    }
    return given, ports


@dataclass
class Several:
    """The running system, its ports by name, and a user of it."""

    system: System
    ports: dict[str, int]
    stack: ExitStack
    headers: dict[str, str] = field(default_factory=dict)

    def start(self, name: str) -> None:
        kind = name.partition("-")[0]
        self.stack.enter_context(self.system.process(name, command(kind)))
        self.await_well(name)

    def await_well(self, name: str) -> None:
        paths = {"api": "/health/ready", "stream": "/health"}
        if path := paths.get(name.partition("-")[0]):
            url = f"http://127.0.0.1:{self.ports[name]}{path}"
            until(lambda: httpx2.get(url, trust_env=False, timeout=10).is_success, name)

    def restart(self, name: str) -> None:
        self.system.running[name].terminate()
        self.system.running[name].wait(180)
        self.start(name)


@pytest.fixture(scope="module")
def several(module_database, module_redis, tmp_path_factory) -> Iterator[Several]:
    folder = tmp_path_factory.mktemp("several")
    FileKeyring(folder / "keys")
    given, ports = _many(folder, module_database, module_redis.url)
    system = System(folder, given, ports["http"], ports["https"])
    with ExitStack() as stack:
        made = Several(system, ports, stack)
        stack.enter_context(system.process("caddy", FRONT))
        for name in ("api", "api-b", "stream", "stream-b", "worker"):
            made.start(name)
        until(system.authority.exists, "a certificate")
        with system.client() as client:
            until(lambda: client.get("/health/ready").is_success, "the front")
            body = {"email": "ada@example.com", "password": PASSWORD}
            answer = client.post(f"{V1}/auth/register", json=body, timeout=180)
            made.headers["Authorization"] = f"Bearer {answer.json()['accessToken']}"
        yield made


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


def test_clients_of_a_stream_that_is_killed_miss_nothing(several, module_database, tell) -> None:
    firings, killed_at = 200, 80
    alert = _alert(module_database, several)

    async def watch() -> list[Heard]:
        clients = [Heard() for _ in range(4)]
        async with (
            await psycopg.AsyncConnection.connect(module_database.owner, autocommit=True) as conn,
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
    """Requests at an even rate, whether or not those before were answered; what came of each, by status or error."""

    several: Several
    portfolio: str
    came: Counter[str] = field(default_factory=Counter)
    stopped: Event = field(default_factory=Event)

    async def run(self) -> None:
        url, tls = self.several.system.url, self.several.system.tls()
        async with (
            httpx2.AsyncClient(
                base_url=url, verify=tls, timeout=60, trust_env=False, headers=self.several.headers
            ) as client,
            asyncio.TaskGroup() as group,
        ):
            began = time.monotonic()
            number = 0
            while not self.stopped.is_set():
                number += 1
                group.create_task(self._one(client, number))
                await asyncio.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))

    async def _one(self, client: httpx2.AsyncClient, number: int) -> None:
        try:
            if number % 200 == 0:
                trade = {**_TRADE, "portfolioId": self.portfolio}
                answer = await client.post(f"{V1}/transactions", json=trade)
            else:
                answer = await client.get(("/", f"{V1}/tokens", f"{V1}/auth/me")[number % 3])
            self.came[str(answer.status_code)] += 1
        except httpx2.HTTPError as error:
            self.came[repr(error)] += 1


def test_no_request_fails_while_each_process_is_restarted(several, tell) -> None:
    with several.system.client() as client:
        made = client.post(f"{V1}/portfolios", json={"name": "Load"}, headers=several.headers)
    load = Load(several, made.json()["portfolio"]["id"])
    thread = Thread(target=lambda: asyncio.run(load.run()))
    began = time.monotonic()
    thread.start()
    try:
        for name in ("api", "api-b", "stream", "stream-b", "worker"):
            several.restart(name)
    finally:
        load.stopped.set()
        thread.join()
    rate = load.came.total() / (time.monotonic() - began)
    tell(f"{rate:.0f} answers a second while each process was restarted: {dict(load.came)}")
    assert set(load.came) == {"200", "201"}, load.came


def _cpu_a_request(several: Several, names: list[str]) -> float:
    """Seconds of CPU of these processes for a request, of a thousand that are spread over them."""
    before = _computed(several, names)
    with httpx2.Client(timeout=60, trust_env=False, headers=several.headers) as client:
        for number in range(1_000):
            port = several.ports[names[number % len(names)]]
            assert client.get(f"http://127.0.0.1:{port}{V1}/tokens").is_success
    return (_computed(several, names) - before) / 1_000


def _computed(several: Several, names: list[str]) -> float:
    processes = [psutil.Process(several.system.running[name].pid) for name in names]
    times = [
        each.cpu_times()
        for process in processes
        for each in (process, *process.children(recursive=True))
    ]
    return sum(each.user + each.system for each in times)


def test_three_processes_serve_as_many_requests_a_second_of_cpu_as_one(several, tell) -> None:
    several.start("api-c")
    names = ["api", "api-b", "api-c"]
    for name in names:
        _cpu_a_request(several, [name])  # what is cached, is
    alone, together = _cpu_a_request(several, names[:1]), _cpu_a_request(several, names)
    tell(
        f"{1000 * alone:.2f} ms of CPU a request of one, {1000 * together:.2f} of three: {3 * alone / together:.2f} times as many"
    )
    assert 3 * alone / together >= 2.6
