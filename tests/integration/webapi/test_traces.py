"""One trace through the processes as they run, in their roles: API, PostgreSQL, Redis, model server, worker."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg
import pytest

from tests.conftest import free_port
from tests.fakes.collector import Collector, Seen, collector
from tests.integration.jobs.test_worker import _worker, until
from tests.integration.webapi.conftest import PASSWORD, quote
from tests.integration.webapi.test_gunicorn import ROOT, Running, environment, registered, wait_for
from tests.integration.webapi.test_gunicorn import running as running  # noqa: PLC0414 - a fixture
from tests.trace_picture import draw

_TOKEN = "t" * 43
_SERVER, _CLIENT, _CONSUMER = 2, 3, 5
_PURCHASE = {
    "type": "buy",
    "tokenSymbol": "BTC",
    "amount": "0.5",
    "price": "4711.25",
    "notes": "for grandmother",
    "timestamp": "2026-11-01T10:00:00Z",
}
_MAIL = "grace@example.org"
_QUERY = "?days=1&secret=hunter2"


@dataclass(frozen=True)
class Setup:
    """How the collector answers, and which share is told."""

    share: str = "1"
    hangs: bool = False
    status: int = 200


@pytest.fixture(params=[Setup()])
def setup(request) -> Setup:
    return request.param


@pytest.fixture
def told(setup) -> Iterator[Collector]:
    with collector(hangs=setup.hangs, status=setup.status) as made:
        yield made


@pytest.fixture
def ml_port() -> int:
    return free_port()


@pytest.fixture
def usual(module_database, own_redis, keys_dir, tmp_path) -> dict[str, str]:
    return environment(module_database, own_redis.url, tmp_path / "home", keys_dir)


@pytest.fixture
def variables(usual, setup, told, ml_port) -> dict[str, str]:
    return {
        **usual,
        "COINSPHERE_TRACES_URL": told.url,
        "COINSPHERE_TRACES_SHARE": setup.share,
        "COINSPHERE_SERVICE_TOKEN": _TOKEN,
        "COINSPHERE_ML_URL": f"http://127.0.0.1:{ml_port}",
    }


@contextmanager
def _model_server(database, home: Path, port: int, url: str) -> Iterator[None]:
    own = {name: value for name, value in os.environ.items() if "COINSPHERE" not in name}
    given = {
        "COINSPHERE_HOME": str(home),
        "COINSPHERE_DATABASE_URL": database.readonly,
        "COINSPHERE_MLFLOW_URL": "http://127.0.0.1:1",
        "COINSPHERE_ML_PORT": str(port),
        "COINSPHERE_ML_METRICS_PORT": str(free_port()),
        "COINSPHERE_SERVICE_TOKEN": _TOKEN,
        "COINSPHERE_TRACES_URL": url,
    }
    with (
        (home / "ml.log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "ml.serving.server"], env=own | given, stderr=log
        ) as process,
    ):
        try:
            health = f"http://127.0.0.1:{port}/health"
            wait_for(lambda: httpx2.get(health, trust_env=False).is_success, "the model server")
            yield
        finally:
            process.terminate()


def _first(told: Collector, trace: str) -> Seen:
    (found,) = [each for each in told.of(trace) if not each.parent]
    return found


def _line(log: Path, trace: str) -> dict:
    lines = [each for each in log.read_text().splitlines() if trace in each and '"path"' in each]
    return json.loads(lines[-1])


def test_a_request_is_one_trace_through_all_processes(
    running: Running, module_database, told, ml_port, tmp_path
) -> None:
    with psycopg.connect(module_database.owner, autocommit=True) as conn:
        conn.execute("set search_path = app, market, model, jobs, public")
        quote(conn, "BTC", "100")
    token = registered(running, _MAIL)
    with _model_server(module_database, tmp_path, ml_port, told.url):
        asked = running.get(f"/predictions/BTC{_QUERY}", token)
    _asserts_the_model_server_goes_on(told, asked.headers["X-Request-ID"])
    portfolio = running.post("/portfolios", {"name": "Savings"}, token).json()["portfolio"]
    bought = running.post("/transactions", {**_PURCHASE, "portfolioId": portfolio["id"]}, token)
    assert bought.status_code == 201, bought.text
    variables = {"COINSPHERE_TRACES_URL": told.url, "COINSPHERE_TRACES_SHARE": "1"}
    trace = bought.headers["X-Request-ID"]
    with _worker(module_database, tmp_path, **variables):
        until(lambda: told.named("process update_portfolios", trace), 120)
    _asserts_the_worker_goes_on(told, trace)
    assert _line(running.log, trace)["trace_id"] == trace
    assert _line(tmp_path / "ml.log", asked.headers["X-Request-ID"])["trace_id"]
    said = "\n".join(told.heard)
    for secret in (_MAIL, PASSWORD, token, "hunter2", "4711.25", "grandmother", "Savings", _TOKEN):
        assert secret not in said


def _asserts_the_model_server_goes_on(told: Collector, trace: str) -> None:
    until(lambda: told.of(trace) and any(not each.parent for each in told.of(trace)))
    first = _first(told, trace)
    assert (first.name, first.kind) == ("GET /api/v1/predictions/<symbol>", _SERVER)
    assert first.attributes["http.response.status_code"] == 503  # no model was trained
    assert first.failed
    (call,) = told.named("GET 127.0.0.1", trace)
    (answer,) = told.named("GET /predict/{symbol}", trace)
    assert (call.parent, answer.parent) == (first.id, call.id)
    assert (answer.process, answer.kind) == ("coinsphere-ml", _SERVER)
    tokens = [each for each in told.of(trace) if each.parent == answer.id]
    assert any("market.tokens" in each.attributes["db.query.text"] for each in tokens)
    (session,) = told.named("SELECT app.sessions", trace)
    assert (session.kind, session.parent) == (_CLIENT, first.id)
    of_redis = [each for each in told.of(trace) if each.attributes.get("db.system.name") == "redis"]
    assert {each.name for each in of_redis} >= {"EVALSHA", "GET"}


def _asserts_the_worker_goes_on(told: Collector, trace: str) -> None:
    first = _first(told, trace)
    assert (first.process, first.name) == ("coinsphere-api", "POST /api/v1/transactions")
    assert first.attributes["http.response.status_code"] == 201
    assert not first.failed
    (job,) = told.named("process update_portfolios", trace)
    assert (job.process, job.kind, job.parent) == ("coinsphere-worker", _CONSUMER, first.id)
    (written,) = told.named("INSERT app.portfolio_values_daily", trace)
    assert told.above(written) == ["process update_portfolios", "POST /api/v1/transactions"]
    assert first.id == trace[:16]
    picture = draw(told, trace)
    assert [picture.count(drawn) for drawn in ("coinsphere-worker, ", written.name)] == [1, 1]


@pytest.mark.parametrize("setup", [Setup(hangs=True), Setup(status=503)], indirect=True)
def test_a_collector_that_hangs_or_refuses_holds_nobody_up(running: Running, setup, told) -> None:
    token = registered(running, f"{setup.status}@example.org")
    assert running.get("/auth/me", token).status_code == 200
    until(told.asked.is_set)
    for _ in range(100):
        assert running.get("/auth/me", token).status_code == 200
    running.process.terminate()
    assert running.process.wait(60) == 0
    assert not told.spans


@pytest.mark.parametrize("setup", [Setup(share="0")], indirect=True)
def test_of_what_is_no_part_of_the_share_a_fault_is_told_alone(running: Running, told) -> None:
    token = registered(running, "nobody@example.org")
    asked = running.get("/predictions/BTC", token)
    assert asked.status_code == 503
    until(lambda: told.spans)
    running.process.terminate()
    running.process.wait(60)
    (only,) = told.spans
    assert (only.name, only.failed) == ("GET /api/v1/predictions/<symbol>", True)
    assert only.trace == asked.headers["X-Request-ID"]


def test_who_tells_no_traces_does_not_even_load_what_would(usual) -> None:
    program = (
        "import sys, webui.wsgi, psycopg\n"
        "from coinsphere.observability import traces\n"
        "from coinsphere.settings import Settings\n"
        "before = psycopg.Cursor.execute\n"
        "assert traces.start(Settings.from_env(), 'api') is None\n"
        "assert psycopg.Cursor.execute is before and traces.header() is None\n"
        "assert 'coinsphere.observability.spans' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], env=usual, cwd=ROOT, check=True, timeout=120)
