"""The whole system as a newcomer meets it: up from nothing, used over HTTP, hurt, taken down, up again."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email import message_from_string
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import psutil
import psycopg
import pytest
from dotenv import dotenv_values

from coinsphere.health import metrics
from coinsphere.local.state import State
from coinsphere.settings import CREDENTIALS_FILE
from tests import prometheus
from tests.canary import assert_no_canary
from tests.conftest import free_port
from tests.e2e.planted import PHRASE, Outside, User, collect, outside

_COMMAND = str(Path(sys.executable).parent / "coinsphere")
_PORTS = (
    "API",
    "ML",
    "DAGSTER",
    "MLFLOW",
    "STREAM",
    "METRICS",
    "WORKER_METRICS",
    "STREAM_METRICS",
    "ML_METRICS",
    "DAGSTER_METRICS",
    "MLFLOW_METRICS",
    "BACKUP_METRICS",
    "WATCH_METRICS",
    "POSTGRES",
    "REDIS",
)
_SMALL = {
    "COINSPHERE_MARKET_HISTORY_DAYS": "400",
    "COINSPHERE_MARKET_HOURLY_DAYS": "2",
    "COINSPHERE_ML_TOKENS": "BTC",
    "COINSPHERE_ML_EPOCHS": "2",
    "COINSPHERE_ML_REFRESH_SECONDS": "1",
    "COINSPHERE_API_WORKERS": "1",
    "COINSPHERE_HANG_SECONDS": "30",
    # All tests come from one address, and one of them is refused a hundred times.
    "COINSPHERE_RATE_LIMIT_AUTH_FAILURES": "1000",
}

_SLOW_SECONDS = 2400
"""Whichever of the slow ones runs first starts the system, which takes most of it on a machine that does much else."""


@dataclass
class System:
    """A system by its variables and what lies outside it; `output` is what its first start printed."""

    variables: dict[str, str]
    outside: Outside
    output: str = ""

    @property
    def home(self) -> Path:
        return Path(self.variables["COINSPHERE_HOME"])

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [_COMMAND, *words],
            env=self.variables,
            cwd=self.home.parent,
            capture_output=True,
            text=True,
            check=False,
        )

    def url(self, process: str, path: str) -> str:
        return f"http://127.0.0.1:{self.variables[f'COINSPHERE_{process}_PORT']}{path}"

    def status(self) -> dict[str, dict[str, Any]]:
        return {
            each["name"]: each
            for each in json.loads(self.run("status", "--json").stdout)["processes"]
        }

    def is_well(self) -> bool:
        return self.run("status", "--json").returncode == 0

    def await_well(self, seconds: float) -> None:
        """Wait until nothing is wrong; fail with what is."""
        deadline = time.monotonic() + seconds
        while (told := self.run("status", "--json")).returncode != 0:
            status = json.loads(told.stdout)
            ill = [each for each in status["processes"] if each["health"] != "ok"]
            assert time.monotonic() < deadline, (status["problems"], ill)
            time.sleep(0.5)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A running system with little history and one small model."""
    folder = tmp_path_factory.mktemp("e2e")
    ports = {f"COINSPHERE_{name}_PORT": str(free_port()) for name in _PORTS}
    own = {name: value for name, value in os.environ.items() if not name.startswith("COINSPHERE_")}
    home = {"COINSPHERE_HOME": str(folder / "home")}
    with outside() as others:
        made = System({**own, **ports, **_SMALL, **others.variables, **home}, others)
        done = made.run("up", "--detach", "--market", "simulated")
        made.output = done.stdout + done.stderr
        try:
            assert done.returncode == 0, made.output
            yield made
        finally:
            made.run("down")


@pytest.fixture(scope="module")
def client(system: System) -> Iterator[httpx2.Client]:
    """A registered user of the API."""
    with httpx2.Client(base_url=system.url("API", "/api/v1"), timeout=60, trust_env=False) as made:
        body = {"email": "e2e@example.com", "password": "correct horse battery"}
        answer = made.post("/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        made.headers["Authorization"] = f"Bearer {answer.json()['accessToken']}"
        yield made


class Books:
    """A portfolio that a user writes to, and what of it was acknowledged."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client
        made = client.post("/portfolios", json={"name": "Written meanwhile"}).json()["portfolio"]
        self._trade = {
            "portfolioId": made["id"],
            "type": "buy",
            "tokenSymbol": "BTC",
            "amount": 1,
            "price": 50_000,
            "timestamp": "2026-06-01T00:00:00Z",
        }
        self._acknowledged: list[str] = []
        self.last_request = ""

    def write(self) -> httpx2.Response:
        """Add a transaction."""
        answer = self._client.post("/transactions", json=self._trade)
        assert answer.status_code == 201, answer.text
        self._acknowledged.append(answer.json()["transaction"]["id"])
        self.last_request = answer.headers["X-Request-ID"]
        return answer

    def lost(self) -> list[str]:
        """What was acknowledged and is not stored."""
        paths = {each: f"/transactions/{each}" for each in self._acknowledged}
        return [each for each, path in paths.items() if self._client.get(path).status_code != 200]


def links(system: System, page: str) -> list[str]:
    """The tokens of the links to a page that the relay was given mails with."""
    texts = [
        part.get_payload(decode=True).decode()
        for mail in map(message_from_string, system.outside.mails)
        for part in mail.walk()
        if part.get_content_type() == "text/plain"
    ]
    return [found for text in texts for found in re.findall(rf"{page}\?token=(\S+)", text)]


def confirm_address(system: System, client: httpx2.Client) -> None:
    """Follow the link that the registration's mail holds: alerts go to confirmed addresses only."""
    wait_until(lambda: bool(links(system, "verify-email")), 60)
    token = links(system, "verify-email")[0]
    assert client.post("/auth/verify-email", json={"token": token}).status_code == 200


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.5)


@pytest.mark.timeout(600)
def test_the_first_start_says_what_it_does_and_where_everything_is(system: System) -> None:
    for words in ("SIMULATED", "Running the pipeline", "curl -s", "Ready after"):
        assert words in system.output
    assert system.variables["COINSPHERE_DAGSTER_PORT"] in system.output


def test_the_printed_links_let_a_browser_in_once(system: System) -> None:
    found = re.findall(r"http://\S+/sign-in\?code=\S+", system.output)
    assert len(found) == 2
    for link in found:
        with httpx2.Client(timeout=30, headers={"Accept": "text/html"}) as browser:
            assert browser.get(system.url(_named(system, link), "/")).status_code == 401
            assert browser.get(link).status_code == 303
            assert browser.get(system.url(_named(system, link), "/")).status_code == 200
            assert browser.get(link).status_code == 401


def _named(system: System, link: str) -> str:
    """The service whose port a link names."""
    port = str(urlsplit(link).port)
    return next(name for name in _PORTS if system.variables[f"COINSPHERE_{name}_PORT"] == port)


def test_every_process_does_its_work(system: System) -> None:
    system.await_well(60)
    processes = system.status()
    assert len(processes) == 12
    assert all(each["since"] and each["pid"] for each in processes.values())


def test_prices_and_a_live_prediction_over_http(client: httpx2.Client) -> None:
    tokens = client.get("/tokens").json()["tokens"]
    assert len(tokens) == 31
    assert {token["priceSource"] for token in tokens} == {"simulated"}
    prediction = client.get("/predictions/BTC", params={"timeframe": "7d"})
    assert prediction.status_code == 200, prediction.text
    body = prediction.json()
    assert body["daysAhead"] == 7
    low, high = body["prediction"]["interval80"]
    assert low < body["predictedPrice"] < high
    assert body["model"]["runId"]
    assert body["quality"]["skillVsNaive"] is not None


def test_the_models_stand_in_the_registry_of_mlflow(system: System, client: httpx2.Client) -> None:
    name = client.get("/predictions/BTC").json()["model"]["name"]
    found = httpx2.get(
        system.url("MLFLOW", "/api/2.0/mlflow/registered-models/get"),
        params={"name": name},
        headers={"Authorization": f"Bearer {system.run('links', '--token').stdout.strip()}"},
        timeout=60,
    ).json()["registered_model"]
    assert "champion" in {alias["alias"] for alias in found["aliases"]}


@pytest.mark.timeout(300)
def test_the_newest_backup_is_restored_beside_it_and_nothing_is_missing(system: System) -> None:
    done = system.run("backup", "drill", "--json")
    told = json.loads(done.stdout)
    assert (told["problems"], done.returncode) == ({}, 0)
    assert told["rows"] > 0


def test_an_alert_fires_within_two_minutes_and_its_mail_is_sent(
    system: System, client: httpx2.Client
) -> None:
    confirm_address(system, client)
    alert = {"alertType": "price", "tokenSymbol": "BTC", "condition": "above", "threshold": 1}
    created = client.post("/alerts", json=alert)
    assert created.status_code == 201, created.text
    events = f"/alerts/{created.json()['alert']['id']}/events"
    wait_until(lambda: bool(client.get(events).json()["events"]), 150)
    assert client.get(events).json()["events"][0]["source"] == "simulated"

    def is_sent() -> bool:
        mails = json.loads(system.run("mail", "list", "--json").stdout)
        return any("BTC" in mail["subject"] and mail["sentAt"] for mail in mails)

    wait_until(is_sent, 30)


@pytest.mark.slow
@pytest.mark.timeout(_SLOW_SECONDS)
def test_every_rule_and_panel_asks_for_what_the_processes_tell(
    system: System, client: httpx2.Client, tmp_path: Path
) -> None:
    """A figure that was renamed in the code and not in a rule leaves an alert that never comes."""
    assert client.get("/predictions/BTC").status_code == 200
    where = prometheus.targets(system.variables)
    # PostgreSQL is asked by the API, and who watches the watch is asked by nobody.
    asked_after = set(system.status()) - {"postgres", "watch"}
    up = {f'coinsphere_process_up{{process="{name}"}} 1.0' for name in asked_after}
    wait_until(lambda: up <= set(scraped(where["watch"]).splitlines()), 120)
    told = {name: scraped(at) for name, at in where.items()}
    # What is unknown yet is absent, as the age of a drill before the first.
    exposed = set(metrics._SAID).union(*map(prometheus.exposed, told.values()))
    asked = prometheus.queries()
    assert {query: prometheus.names(query) - exposed for query in asked.values()} == {
        query: set() for query in asked.values()
    }
    if prometheus.is_installed():
        with prometheus.running(where, tmp_path) as address:
            prometheus.await_targets(address, len(where))
            answered = {at: prometheus.asked(address, query) for at, query in asked.items()}
        # What nothing happened of has no figure yet; every panel but few shows something.
        shown = [at for at, found in answered.items() if found]
        assert len(shown) > 0.7 * len([at for at in asked if ":" in at])


def scraped(address: str) -> str:
    return httpx2.get(f"http://{address}/metrics", timeout=60).text


@pytest.mark.slow
@pytest.mark.timeout(_SLOW_SECONDS)
def test_a_request_is_found_in_the_log_of_every_process_that_works_for_it(
    system: System, client: httpx2.Client
) -> None:
    books = Books(client)
    # The last one was kept for a while: what is asked anew reaches the model server.
    forecast = client.get("/predictions/ETH", params={"timeframe": "30d"})

    def logged(answer: httpx2.Response) -> set[str]:
        lines = system.run("logs", "--request", answer.headers["X-Request-ID"]).stdout.splitlines()
        return {line.split()[0] for line in lines}

    def is_traced() -> bool:
        """A job that waited already would bear the request before."""
        written = books.write()
        time.sleep(5)
        return logged(written) == {"api", "worker"}

    wait_until(is_traced, 180)
    wait_until(lambda: logged(forecast) == {"api", "ml"}, 60)


@pytest.mark.timeout(600)
def test_each_process_that_is_killed_comes_back(system: System, client: httpx2.Client) -> None:
    """The servers one after the other, then all that stand on them at once."""
    system.await_well(60)
    others = tuple(name for name in system.status() if name not in ("postgres", "redis"))
    for killed in (("postgres",), ("redis",), others):
        before = system.status()
        for name in killed:
            os.kill(before[name]["pid"], signal.SIGKILL)

        def are_back(
            killed: tuple[str, ...] = killed, before: dict[str, dict[str, Any]] = before
        ) -> bool:
            now = system.status()
            return all(now[name]["pid"] not in (None, before[name]["pid"]) for name in killed)

        wait_until(are_back, 180)
        system.await_well(120)
    assert client.get("/tokens").status_code == 200


@pytest.mark.slow
@pytest.mark.timeout(_SLOW_SECONDS)
def test_each_process_that_is_stopped_is_seen_and_goes_on(
    system: System, client: httpx2.Client
) -> None:
    """All that can be asked are stopped at once, each as a process of its own: none hides another.

    Of the API, which is asked for the others, gunicorn's master is stopped: not a request fails meanwhile. All of it is
    stopped when it has told.
    """
    system.await_well(120)
    before = system.status()
    hung = [name for name in before if name not in ("postgres", "redis", "watch")]
    for name in hung:
        os.kill(before[name]["pid"], signal.SIGSTOP)
    told: set[str] = set()
    seen: set[str] = set()

    def is_seen() -> bool:
        services = client.get(system.url("API", "/health")).json()["services"]
        told.update(name for name, state in services.items() if state == "error")
        seen.update(name for name, each in system.status().items() if each["health"] != "ok")
        of_health = {"ml", "mlflow", "orchestrator", "daemon", "worker", "stream"}
        return told >= of_health and seen >= set(hung)

    wait_until(is_seen, 180)
    log = State(system.home).logs / "watch.log"
    wait_until(lambda: log.read_text().count("process was stopped") == len(hung), 400)
    os.killpg(before["api"]["pid"], signal.SIGSTOP)
    system.await_well(400)
    now = system.status()
    assert {name for name in before if now[name]["pid"] != before[name]["pid"]} == set()
    assert log.read_text().count("process was stopped") == len(hung) + 1


@pytest.mark.timeout(600)
def test_a_supervisor_that_is_killed_comes_back_while_everything_is_served(
    system: System, client: httpx2.Client
) -> None:
    system.await_well(120)
    before = system.status()
    books = Books(client)
    noted = system.home / "supervisord.pid"
    dead = int(noted.read_text())
    os.kill(dead, signal.SIGKILL)
    books.write()

    def is_back() -> bool:
        books.write()
        return int(noted.read_text()) != dead and system.is_well()

    wait_until(is_back, 240)
    # Each goes on as it was, but for the watch, which made room for its successor.
    for name, process in before.items():
        assert name == "watch" or psutil.pid_exists(process["pid"]), name
    # What is killed now comes back as the supervisor's own child, though it was none before.
    os.kill(before["stream"]["pid"], signal.SIGKILL)
    system.await_well(120)
    assert not psutil.pid_exists(before["stream"]["pid"])
    # Who went on without a supervisor wrote its log on, too.
    assert books.last_request in system.run("logs", "api", "-n", "5000").stdout
    assert books.lost() == []


def test_a_second_start_on_the_same_state_says_what_runs(system: System) -> None:
    before = system.status()
    again = system.run("up", "--detach")
    assert again.returncode == 0, again.stderr
    for words in ("runs already", "coinsphere down", "What runs"):
        assert words in again.stdout
    assert {name: each["pid"] for name, each in system.status().items()} == {
        name: each["pid"] for name, each in before.items()
    }


def test_the_doctor_finds_nothing(system: System) -> None:
    system.await_well(60)
    found = system.run("doctor")
    assert found.returncode == 0, found.stdout
    assert "natively partitioned" in found.stdout


@pytest.mark.timeout(480)
def test_no_planted_secret_is_left_anywhere(system: System, tmp_path: Path) -> None:
    """SEC-42: secrets are used, misused and caught in faults; they stand in no log, dump, page, answer or mail."""
    account, urls = system.outside.account, dotenv_values(system.home / CREDENTIALS_FILE)
    owner_url = str(urls["COINSPHERE_DATABASE_URL"])
    address = system.url("API", "/api/v1")
    with httpx2.Client(base_url=address, timeout=20, trust_env=False) as client:
        user = User(client)
        user.settle(account, owner_url)
        user.use()
        user.err(account)
        user.break_down(account, owner_url)
    # What the worker does with them, too: mails, the exchange, the node.
    wait_until(lambda: len(links(system, "reset-password")) > 0, 60)
    # Binance's conversions and purchases are dear: a first reading waits for the account's budget.
    wait_until(lambda: has_finished_syncs(owner_url), 240)
    assert system.outside.logins == {system.outside.relay_password}

    collect(
        system.home,
        tmp_path,
        str(urls["COINSPHERE_REDIS_URL"]),
        [
            system.url("METRICS", "/metrics"),
            system.url("STREAM", "/health"),
            system.url("ML", "/health"),
        ],
    )
    (tmp_path / "answers").write_text("\n".join(user.heard))
    (tmp_path / "mails").write_text("\n".join(system.outside.mails))
    (tmp_path / "doctor").write_text(system.run("doctor").stdout + system.output)
    passwords = {urlsplit(url).password for url in urls.values() if url is not None}
    mailed = [*links(system, "verify-email"), *links(system, "reset-password")]
    # Of a token its signature: the rest tells who it is of.
    known = [secret.rpartition(".")[2] for secret in user.known.values()]
    planted = [
        user.password, account.key, account.secret, PHRASE, system.outside.relay_password, system.outside.node_key,
        system.outside.provider_key, *known, *(each for each in passwords if each),
    ]  # fmt: skip
    assert len(planted) >= 20
    assert_no_canary(tmp_path, *planted)
    assert_no_canary(tmp_path, *mailed, but=("mails",))
    servers = ("postgres", "redis", "keys", CREDENTIALS_FILE)
    received = State(system.home).received_log
    assert_no_canary(system.home, *planted, but=servers)
    # A link waits in the database until its mail is sent, so it is in PostgreSQL's log: nobody else may read either.
    assert_no_canary(system.home, *mailed, but=(*servers, received.name))
    for private in (system.home / "postgres", received):
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
    assert {stat.S_IMODE(each.stat().st_mode) for each in received.iterdir()} == {0o600}


def has_finished_syncs(owner_url: str) -> bool:
    """Whether the worker has read the exchange, and has tried to read the wallet."""
    with psycopg.connect(owner_url) as conn:
        row = conn.execute("""
            select (select count(*) from app.exchange_syncs where finished_at is not null),
                (select count(*) from jobs.procrastinate_jobs where task_name like '%wallet%' and attempts > 0)
        """).fetchone()
    return row is not None and min(row) > 0


@pytest.mark.timeout(300)
def test_down_leaves_nothing_and_the_next_start_continues(system: System) -> None:
    system.await_well(90)
    pids = [each["pid"] for each in system.status().values() if each["pid"]]
    assert system.run("down").returncode == 0
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
    again = system.run("up", "--detach")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Running the pipeline" not in again.stdout
    with httpx2.Client(base_url=system.url("API", "/api/v1"), timeout=20) as client:
        body = {"email": "e2e@example.com", "password": "correct horse battery"}
        assert client.post("/auth/login", json=body).status_code == 200


def test_another_origin_of_prices_is_refused(system: System) -> None:
    assert system.run("down").returncode == 0
    refused = system.run("up", "--detach", "--market", "live")
    assert refused.returncode == 1
    assert "prices of two origins never share one" in " ".join(refused.stderr.split())
