"""`coinsphere up` while the system runs: it says what runs, starts what had given up, and ends nothing."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread, Timer

import pytest
from click.testing import CliRunner
from rich.console import Console

from coinsphere.cli.main import cli
from coinsphere.cli.system import up
from coinsphere.local import dagster, processes, state, system
from coinsphere.local.state import State
from coinsphere.local.supervision import Supervisor
from coinsphere.settings import Settings
from tests.conftest import free_port
from tests.integration.local.test_supervision import of, wait_until


@pytest.fixture
def supervisor(database, tmp_path, monkeypatch):
    """A system of Redis alone, which has given up; PostgreSQL is a real one, Dagster does not answer."""
    variables = {
        "COINSPHERE_HOME": str(tmp_path / "s"),
        "COINSPHERE_REDIS_PORT": str(free_port()),
        "COINSPHERE_DAGSTER_PORT": str(free_port()),
        "COINSPHERE_SERVICE_TOKEN": "s" * 32,
        "COINSPHERE_DATABASE_URL": database.owner,
        "COINSPHERE_DAGSTER_DATABASE_URL": database.owner,
        "COINSPHERE_MLFLOW_DATABASE_URL": database.owner,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    chosen = Settings.from_env()
    State(chosen.state).prepare()
    server = state.embedded_redis(chosen)
    server.initialise()
    state.write_credentials(State(chosen.state), None, server)
    made = Supervisor(chosen.state)
    made.start([each for each in processes.table(Settings.from_env()) if each.name == "redis"])
    yield made
    made.stop()


def test_it_says_what_runs_and_goes_on(supervisor, owner, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(dagster, "_PATIENCE_SECONDS", 1.0)
    owner.execute("insert into market.origin (source, seed) values ('simulated', 1)")
    pid = supervisor.pid()
    assert of(supervisor, "redis").state == "STOPPED"
    done = CliRunner().invoke(cli, ["up", "--detach"])
    assert done.exit_code == 0, done.output
    for words in ("It runs already", "What runs", "Dagster's webserver does not answer:"):
        assert words in done.output
    # At once, not only when it was given up.
    asked, _, given_up = done.output.partition("Not everything is green")
    assert "Dagster's webserver does not answer yet." in asked
    assert "started again within 90 s" in " ".join(asked.split())
    assert given_up
    assert supervisor.pid() == pid
    wait_until(lambda: of(supervisor, "redis").state == "RUNNING", 60)
    # Another origin than the database's is refused as ever, and ends nothing.
    refused = CliRunner().invoke(cli, ["up", "--market", "live"])
    assert refused.exit_code == 1
    assert supervisor.pid() == pid


class _Dagster(BaseHTTPRequestHandler):
    """Its GraphQL: a run goes on, and is looked at just when somebody stops the system."""

    supervisor: Supervisor

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if "runOrError" in query:
            self.supervisor.stop()
            self.send_error(503)
            return
        runs = [] if "SUCCESS" in query else [{"runId": "one"}]
        body = json.dumps({"data": {"runsOrError": {"results": runs}}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_who_is_stopped_by_somebody_else_does_not_say_that_it_goes_on(supervisor, owner):
    owner.execute("insert into market.origin (source, seed) values ('simulated', 1)")
    _Dagster.supervisor = supervisor
    server = ThreadingHTTPServer(("127.0.0.1", Settings.from_env().dagster_port), _Dagster)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = CliRunner().invoke(cli, ["up", "--detach"])
    finally:
        server.shutdown()
        server.server_close()
    assert done.exit_code == 1
    assert "Somebody stopped the system before it was ready." in done.output
    assert "goes on" not in done.output.split("Filling")[1]


def test_who_watches_leaves_stopping_to_who_does_it(supervisor, monkeypatch):
    """`coinsphere down` holds the lock of the state, so that a second one beside it was refused, and `up` failed."""
    chosen = Settings.from_env()
    monkeypatch.setattr(system, "up", lambda *_: chosen)
    monkeypatch.setattr(up, "_fill", lambda *_: None)
    console = Console(record=True)
    with State(chosen.state).locked():
        Timer(0.5, supervisor.stop).start()
        assert not up._start(console, chosen, detach=False)
    assert "somebody stopped the system" in console.export_text()
