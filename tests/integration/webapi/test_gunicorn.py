"""The API as it runs: gunicorn with two workers on real ports, and what it survives."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import psutil
import psycopg
import pytest

from coinsphere.cli.system.up import examples
from coinsphere.local import liveness, probes, watch
from coinsphere.local.state import State
from coinsphere.settings import Settings
from tests.conftest import free_port
from tests.integration.webapi.conftest import PASSWORD, V1
from tests.prometheus import assert_names_nobody

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Running:
    """A running API: its master process, its addresses, what it logged."""

    process: subprocess.Popen[bytes]
    url: str
    metrics_url: str
    log: Path
    client: httpx2.Client

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def reconnect(self) -> None:
        """Leave the connections that a worker kept, which has ended."""
        self.client.close()
        self.client = httpx2.Client(timeout=60, trust_env=False)

    def post(self, path: str, body: dict, token: str | None = None) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.client.post(f"{self.url}{V1}{path}", json=body, headers=headers)

    def get(self, path: str, token: str) -> httpx2.Response:
        return self.client.get(
            f"{self.url}{V1}{path}", headers={"Authorization": f"Bearer {token}"}
        )


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait until `condition` holds, for a machine that is busy three minutes at most."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen")


def alive(process: psutil.Process) -> bool:
    """Whether it runs; one that has ended may wait for the machine's first process to take note."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def command(config: str | Path = "webapi/gunicorn.conf.py") -> list[str]:
    return [sys.executable, "-m", "gunicorn", "--config", str(config), "webui.wsgi:app"]


def environment(database, own_redis_url: str, home: Path, keys_dir: Path) -> dict[str, str]:
    return {
        **os.environ,
        "COINSPHERE_HOME": str(home),
        "COINSPHERE_API_DATABASE_URL": database.api,
        "COINSPHERE_REDIS_URL": own_redis_url,
        "COINSPHERE_JWT_KEYS_DIR": str(keys_dir),
        "COINSPHERE_API_PORT": str(free_port()),
        "COINSPHERE_METRICS_PORT": str(free_port()),
        "COINSPHERE_API_THREADS": "4",
        "COINSPHERE_DATABASE_POOL_SIZE": "8",
        "COINSPHERE_ML_URL": "http://127.0.0.1:1",
        "COINSPHERE_DAGSTER_URL": "http://127.0.0.1:1",
    }


@pytest.fixture
def variables(request, module_database, own_redis, keys_dir, tmp_path: Path) -> dict[str, str]:
    """The usual ones, and those that a test gives as the fixture's parameter."""
    usual = environment(module_database, own_redis.url, tmp_path / "home", keys_dir)
    return usual | getattr(request, "param", {})


@pytest.fixture
def running(variables, tmp_path: Path) -> Iterator[Running]:
    log = tmp_path / "api.log"
    url = f"http://127.0.0.1:{variables['COINSPHERE_API_PORT']}"
    metrics_url = f"http://127.0.0.1:{variables['COINSPHERE_METRICS_PORT']}/metrics"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command(), cwd=ROOT, env=variables, stdout=output, stderr=output
        ) as process,
    ):
        made = Running(process, url, metrics_url, log, httpx2.Client(timeout=60, trust_env=False))
        try:
            wait_for(lambda: made.client.get(f"{url}/health/ready").is_success, "the start")
            wanted = int(variables.get("COINSPHERE_API_WORKERS", "2"))
            wait_for(lambda: len(made.workers()) == wanted, "the last worker")
            yield made
        finally:
            made.client.close()
            process.terminate()


def registered(api: Running, email: str = "ada@example.com") -> str:
    answer = api.post("/auth/register", {"email": email, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return answer.json()["accessToken"]


def scraped(api: Running, name: str) -> float:
    """The sum of a metric over its labels."""
    text = httpx2.get(api.metrics_url, trust_env=False, timeout=60).text
    return sum(
        float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)
    )


def test_it_starts_serves_survives_and_stops(running: Running, own_redis, variables) -> None:
    """One start, as it takes seconds: requests, metrics of all workers, a killed worker, a killed Redis, the end."""
    api = running
    _no_other_site_reads(api.metrics_url)
    _the_printed_lines_work(api)
    token = registered(api)
    assert api.get("/auth/me", token).json()["user"]["email"] == "ada@example.com"
    first = api.get("/tokens", token)
    assert len(first.json()["tokens"]) == 31
    again = api.client.get(
        f"{api.url}{V1}/tokens",
        headers={"Authorization": f"Bearer {token}", "If-None-Match": first.headers["ETag"]},
    )
    assert again.status_code == 304

    # Metrics: both workers' figures in one answer, on their own port only.
    before = scraped(api, "coinsphere_http_requests_total")
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: api.get("/auth/me", token).status_code, range(40)))
    assert statuses == [200] * 40
    assert scraped(api, "coinsphere_http_requests_total") == before + 40
    _figures_name_nobody(api, token)
    wait_for(lambda: scraped(api, "coinsphere_pool_most") == 16, "what both workers hold")
    assert scraped(api, "coinsphere_redis_up") == 1
    # A process of PostgreSQL tells the server what it wrote once it has been idle for some seconds.
    wait_for(lambda: scraped(api, "coinsphere_rows") > 0, "the count of rows")

    # A session that ends, ends in every worker at once, though each remembers it for hot reads.
    ended = registered(api, "eve@example.com")
    with ThreadPoolExecutor(8) as pool:
        reads = partial(pool.map, lambda _: api.get("/tokens", ended).status_code)
        assert set(reads(range(80))) == {200}
        assert api.post("/auth/logout", {}, ended).status_code == 200
        assert set(reads(range(80))) == {401}

    # A worker dies; the other answers, a new one comes, sessions live on.
    victim = api.workers()[0]
    victim.kill()
    wait_for(lambda: not alive(victim), "the worker's end")
    # Over a connection of its own: those that the client kept may have been the victim's.
    alone = {"Authorization": f"Bearer {token}"}
    assert httpx2.get(
        f"{api.url}{V1}/auth/me", headers=alone, trust_env=False, timeout=60
    ).is_success
    api.reconnect()
    wait_for(
        lambda: len(api.workers()) == 2 and victim.pid not in [each.pid for each in api.workers()],
        "the new worker",
    )
    assert api.get("/auth/me", token).status_code == 200
    assert scraped(api, "coinsphere_http_requests_total") >= before + 41

    _a_reload_replaces_the_workers(api, token)

    # Redis dies; everything goes on, and a session still ends at once.
    own_redis.kill()
    assert [api.get("/tokens", token).status_code for _ in range(6)] == [200] * 6
    assert api.client.get(f"{api.url}/health").json()["services"]["redis"] == "error"
    assert api.post("/auth/logout", {}, token).status_code == 200
    assert [api.get("/auth/me", token).status_code for _ in range(6)] == [401] * 6

    _a_master_that_stands_still_is_seen(api, Settings.from_env(variables))

    # The end: in order, and nothing is left.
    workers = api.workers()
    api.process.send_signal(signal.SIGTERM)
    assert api.process.wait(25) == 0
    # Two of them had been replaced.
    assert api.log.read_text().count("Worker exiting") == 4
    assert not any(alive(worker) for worker in workers)
    log = api.log.read_text()
    assert PASSWORD not in log
    assert token not in log
    assert '"path": "/api/v1/tokens"' in log


def _a_reload_replaces_the_workers(api: Running, token: str) -> None:
    """By the signal that people send by hand; sessions live on in the new ones."""
    before = {each.pid for each in api.workers()}
    api.process.send_signal(signal.SIGHUP)
    wait_for(lambda: before.isdisjoint(each.pid for each in api.workers()), "new workers")
    api.reconnect()
    assert api.get("/auth/me", token).status_code == 200


def _a_master_that_stands_still_is_seen(api: Running, settings: Settings) -> None:
    """Its workers answer on without it."""
    beat = State(settings.state).api_beat
    beat.parent.mkdir(parents=True, exist_ok=True)
    wait_for(lambda: liveness.answers("api", settings), "the master's beat")
    api.process.send_signal(signal.SIGSTOP)
    master = psutil.Process(api.process.pid)
    wait_for(lambda: master.status() == psutil.STATUS_STOPPED, "the stop")
    long_ago = time.time() - probes.MASTER_BEAT_SECONDS - 1
    os.utime(beat, (long_ago, long_ago))
    assert httpx2.get(f"{api.url}/health/live", trust_env=False, timeout=60).is_success
    assert liveness.answers("api", settings) is False
    assert str(probes.check("api", settings)).startswith("did not look round")
    assert watch.went_on(api.process.pid)
    wait_for(lambda: liveness.answers("api", settings), "the master's beat again")
    assert not watch.went_on(api.process.pid)


def keep_asking(
    api: Running, is_over: Event, request: tuple[str, str], *, is_kept: bool
) -> Counter:
    """Ask without a pause, and send nothing twice. Returns what came how often: statuses, and "close"."""
    came: Counter[int | str | None] = Counter()
    connection = HTTPConnection("127.0.0.1", urlsplit(api.url).port or 0, timeout=60)
    with closing(connection):
        while not is_over.is_set():
            connection.request(*request)
            answer = connection.getresponse()
            answer.read()
            came.update([answer.status, answer.getheader("Connection")])
            if not is_kept:
                connection.close()
    return came


@pytest.mark.parametrize(
    "variables",
    [{"COINSPHERE_API_DRAIN_SECONDS": "60", "COINSPHERE_RATE_LIMIT_API": "1000000"}],
    indirect=True,
)
def test_nothing_is_lost_while_it_drains_and_ends(running: Running) -> None:
    """A front sends until it has seen that the API is not ready; then one request is under way, and some wait to be let in.

    By workers that came with a reload, which reads the hooks again.
    """
    _a_reload_replaces_the_workers(running, registered(running, "late@example.com"))
    is_over = Event()
    with ThreadPoolExecutor(6) as clients:
        post = ("POST", f"{V1}/transactions")
        asking = [
            clients.submit(keep_asking, running, is_over, post, is_kept=number % 2 == 0)
            for number in range(6)
        ]
        try:
            wait_for(lambda: scraped(running, "coinsphere_http_requests_total") > 60, "requests")
            running.process.send_signal(signal.SIGTERM)
            ready = f"{running.url}/health/ready"
            wait_for(lambda: running.client.get(ready).status_code == 503, "the drain")
            time.sleep(0.5)
        finally:
            is_over.set()
        counts = [each.result() for each in asking]
    assert all(set(each) <= {401, "keep-alive", "close"} and each["close"] for each in counts)
    body = json.dumps({"email": "late@example.com", "password": PASSWORD}).encode()
    head = (
        f"POST {V1}/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    with connected(running) as raw, ExitStack() as stack:
        raw.sendall(head.encode())
        # The API asks for the body: it is at work on the request now.
        assert raw.recv(100).startswith(b"HTTP/1.1 100")
        workers = running.workers()
        for worker in workers:
            worker.suspend()
        waiting = [stack.enter_context(connected(running)) for _ in range(5)]
        for each in waiting:
            each.sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        # The second one says that nobody wants to wait.
        running.process.send_signal(signal.SIGTERM)
        wait_for(lambda: running.log.read_text().count("signal: term") == 2, "the signal")
        for worker in workers:
            worker.resume()
        raw.sendall(body)
        for each in (raw, *waiting):
            answer = HTTPResponse(each)
            answer.begin()
            assert (answer.status, answer.getheader("Connection")) == (200, "close")
    assert running.process.wait(25) == 0


def connected(api: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", urlsplit(api.url).port or 0), timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize(
    "variables",
    [{"GUNICORN_CMD_ARGS": "--max-requests 60 --max-requests-jitter 30"}],
    indirect=True,
)
def test_a_worker_that_is_replaced_loses_no_request(running: Running) -> None:
    """Kept connections ask on without a pause; both workers are replaced while they do."""
    first = {worker.pid for worker in running.workers()}
    is_over = Event()
    with ThreadPoolExecutor(6) as clients:
        ask = partial(keep_asking, running, is_over, ("GET", "/health/live"), is_kept=True)
        asking = [clients.submit(ask) for _ in range(6)]
        try:
            wait_for(
                lambda: (
                    any(each.done() for each in asking)
                    or first.isdisjoint(worker.pid for worker in running.workers())
                ),
                "the replacement of both workers",
            )
        finally:
            is_over.set()
        counts = [each.result() for each in asking]
    assert sum(each[200] for each in counts) > 120
    assert all(each["close"] for each in counts)


# With one common thread a single login in it would hold every read up.
@pytest.mark.parametrize("variables", [{"COINSPHERE_API_THREADS": "1"}], indirect=True)
def test_reads_wait_for_no_crowd_that_logs_in(running: Running, owner_db) -> None:
    """More logins than there are threads stand still; reads are answered beside them, and then logins again."""
    token = registered(running, "reader@example.com")
    registered(running, "one@example.com")

    def log_in(_: int) -> httpx2.Response:
        body = {"email": "one@example.com", "password": PASSWORD}
        return httpx2.post(f"{running.url}{V1}/auth/login", json=body, timeout=30, trust_env=False)

    logins: list[Future[httpx2.Response]] = []
    with ThreadPoolExecutor(40) as crowd:

        def both_workers_wait() -> bool:
            """One worker may have taken all that came so far, and lets one at a time get to the table."""
            if _waiting_for_lock(owner_db) >= 2:
                return True
            if sum(not login.done() for login in logins) < 40:
                logins.append(crowd.submit(log_in, len(logins)))
            return False

        with owner_db.transaction():
            owner_db.execute("lock table app.login_failures in access exclusive mode")
            logins += [crowd.submit(log_in, number) for number in range(40)]
            wait_for(both_workers_wait, "logins that stand still")
            reads = [running.get("/auth/me", token).status_code for _ in range(6)]
            wait_for(both_workers_wait, "logins that still stand still")
            wait_for(lambda: any(login.done() for login in logins), "a login told to come back")
            ended = [login for login in logins if login.done()]
        answers = [login.result() for login in logins]
    assert reads == [200] * 6
    assert all(login.result().status_code == 503 for login in ended)
    # Those that had their turn may have waited for the table longer than a statement may take: 503 too, of another type.
    assert {answer.status_code for answer in answers} <= {200, 503}
    refused = [each for each in answers if each.json().get("type", "").endswith(":busy")]
    assert refused
    assert all(2 <= int(answer.headers["Retry-After"]) <= 6 for answer in refused)
    assert log_in(0).status_code == 200


def _figures_name_nobody(api: Running, token: str) -> None:
    """They stand on a port of their own, and whatever was asked for in no label."""
    assert api.client.get(f"{api.url}/metrics").status_code == 404
    for path in (
        f"/portfolios/{uuid4()}",
        "/tokens/ada@example.com",
        "/eyJhbGciOiJFZERTQSJ9",
        "/ada@example.com",
    ):
        assert api.get(path, token).status_code == 404
    assert_names_nobody(httpx2.get(api.metrics_url, trust_env=False, timeout=60).text)


def _no_other_site_reads(metrics_url: str) -> None:
    for headers in (
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        answer = httpx2.get(metrics_url, headers=headers, trust_env=False, timeout=60)
        assert answer.status_code == 403
        assert "coinsphere_http" not in answer.text
    assert httpx2.post(metrics_url, trust_env=False, timeout=60).status_code == 405


def _the_printed_lines_work(api: Running) -> None:
    """What `coinsphere up` prints to try, as a person pastes it into a shell: twice."""
    port = urlsplit(api.url).port
    assert port is not None
    _, *lines = examples(Settings(api_port=port)).splitlines()
    script = "\n".join(line for line in lines if "/predictions/" not in line)
    for _ in range(2):
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        assert {"BTC", "ETH"} <= {token["symbol"] for token in json.loads(done.stdout)["tokens"]}


def _waiting_for_lock(conn: psycopg.Connection) -> int:
    # Within a transaction the view stays as it was first seen.
    conn.execute("select pg_stat_clear_snapshot()")
    query = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    row = conn.execute(query).fetchone()
    return 0 if row is None else int(row[0])


def test_a_metrics_port_that_is_taken_is_said(variables) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(variables["COINSPHERE_METRICS_PORT"])))
        taken.listen()
        done = subprocess.run(
            command(), cwd=ROOT, env=variables, capture_output=True, timeout=60, check=False
        )
    assert done.returncode != 0
    assert b"COINSPHERE_METRICS_PORT" in done.stderr


_WATCHED = """
import gc, pathlib
exec(pathlib.Path("webapi/gunicorn.conf.py").read_text())
_as_it_is, _forks = post_worker_init, pre_fork
def pre_fork(server, worker):
    assert server.app.callable is not None
    _forks(server, worker)
def post_worker_init(worker):
    _as_it_is(worker)
    pathlib.Path({told!r}).write_text(f"{{gc.get_freeze_count()}} {{len(gc.get_objects())}}")
"""


def test_a_workers_garbage_collector_leaves_the_libraries_alone(variables, tmp_path: Path) -> None:
    """A full collection of all of them stops a worker for most of a second. They are loaded before it is forked."""
    told, config = tmp_path / "told", tmp_path / "gunicorn.conf.py"
    config.write_text(_WATCHED.format(told=str(told)))
    with subprocess.Popen(
        command(config),
        cwd=ROOT,
        env=variables | {"COINSPHERE_API_WORKERS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_for(lambda: told.exists() and told.read_text(), "a worker that is ready")
        finally:
            process.terminate()
    frozen, watched = map(int, told.read_text().split())
    assert frozen > 100_000
    assert watched < frozen / 20
