"""What is red is said with what is set aside, and nothing that serves people is ended because of it."""

import io
import json
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import ClassVar

import pytest
from click.testing import CliRunner
from pydantic import SecretStr
from rich.console import Console
from tenacity import nap

from coinsphere.cli.main import cli
from coinsphere.cli.progress import ConsoleProgress
from coinsphere.cli.system import up
from coinsphere.local import dagster
from coinsphere.market.quality import set_aside
from coinsphere.market.quality.set_aside import Scope, Subject
from coinsphere.settings import Settings
from tests.conftest import free_port

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = datetime(2026, 3, 9, tzinfo=UTC)


@pytest.fixture
def settings(database, tmp_path):
    """Of a system whose Dagster does not answer."""
    return Settings(
        home=tmp_path,
        database_url=SecretStr(database.pipeline),
        readonly_database_url=SecretStr(database.readonly),
        dagster_port=free_port(),
        service_token=SecretStr("s" * 32),
    )


def test_a_run_that_fails_is_said_and_ends_nothing(settings, owner, pipeline, monkeypatch):
    monkeypatch.setattr(dagster, "_patiently", lambda ask: ask)
    owner.execute("insert into market.origin (source, seed) values ('simulated', 1)")
    (token_id,) = owner.execute("select id from market.tokens where symbol = 'DAI'").fetchone()
    subjects = [
        Subject(token_id, None, "prices_still_move", "Its feed is stuck.", {}),
    ]
    set_aside.apply(pipeline, Scope.TOKEN, ["prices_still_move"], subjects, DAY, NOW)
    said = io.StringIO()
    console = Console(file=said, width=200)

    up._fill(console, settings, ConsoleProgress(console))

    assert "Not everything is green: Dagster's webserver does not answer" in said.getvalue()
    assert "set aside DAI: Its feed is stuck." in said.getvalue()
    assert "Everything goes on running" in said.getvalue()
    variables = {
        "COINSPHERE_HOME": str(settings.home),
        "COINSPHERE_PIPELINE_DATABASE_URL": settings.dsn,
        "COINSPHERE_DAGSTER_PORT": str(settings.dagster_port),
    }
    alone = CliRunner().invoke(cli, ["fill"], env=variables)
    assert (alone.exit_code, "does not answer" in alone.output) == (1, True), alone.output


_ANSWERS = {
    "reportRunlessAssetEvents": {"__typename": "ReportRunlessAssetEventsSuccess"},
    "launchRun": {"__typename": "PythonError", "message": "no room"},
    "runsOrError": {"results": []},
}


class _Busy(BaseHTTPRequestHandler):
    """Dagster's GraphQL: too busy at first for each thing that it is asked; it knows no run, and launches nothing."""

    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"])).decode()
        about = next(name for name in _ANSWERS if name in query)
        self._answer(200 if about in self.asked else 503, {about: _ANSWERS[about]})
        self.asked.append(about)

    def _answer(self, status: int, data: dict) -> None:
        body = json.dumps({"data": data}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_an_import_is_shown_and_the_pipeline_launched_though_dagster_is_busy(
    settings, owner, tmp_path, monkeypatch
):
    monkeypatch.setattr(nap, "time", SimpleNamespace(sleep=lambda _: None))
    folder = tmp_path / "candles"
    folder.mkdir()
    rows = "date,open,high,low,close,volume\n2024-01-01,1,2,1,2,5\n2024-01-02,2,3,2,x,5\n"
    (folder / "BTC.csv").write_text(rows)
    owner.execute(
        "insert into market.origin (source, location) values ('files', %s)", [str(folder)]
    )
    server = ThreadingHTTPServer(("127.0.0.1", settings.dagster_port), _Busy)
    Thread(target=server.serve_forever, daemon=True).start()
    said = io.StringIO()
    console = Console(file=said, width=200)
    try:
        up._fill(console, settings, ConsoleProgress(console))
    finally:
        server.shutdown()
        server.server_close()

    # What was asked for and not answered is looked for before it is asked for again.
    launch = ["runsOrError", "launchRun"]
    assert _Busy.asked == [
        *["runsOrError"] * 2,
        *["reportRunlessAssetEvents"] * 2,
        *launch,
        *launch,
    ]
    assert "close 'x' is not a number" in said.getvalue()
    assert "Dagster does not launch the job pipeline: no room" in said.getvalue()
