"""What watches a deployment takes it back when requests fail, when nobody asks, and when nobody can say."""

import importlib.util
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

_PATH = Path(__file__).resolve().parents[3] / ".ci" / "burn.py"
_spec = importlib.util.spec_from_file_location("burn", _PATH)
assert _spec is not None
assert _spec.loader is not None
burn = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(burn)


@contextmanager
def prometheus(total: float | None, failed: float | None) -> Iterator[tuple[str, list[str]]]:
    """A server that speaks Prometheus's protocol; None is a query that finds nothing."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            (query,) = parse_qs(urlsplit(self.path).query)["query"]
            asked.append(query)
            value = failed if "status" in query else total
            result = [] if value is None else [{"metric": {}, "value": [0, str(value)]}]
            body = json.dumps({"status": "success", "data": {"result": result}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("total", "failed", "why"),
    [
        (1000, None, None),
        (1000, 14, None),
        (1000, 15, "1.50% of the requests fail"),
        (None, None, "nobody asked it anything"),
    ],
)
def test_the_budget_decides(total, failed, why) -> None:
    with prometheus(total, failed) as (server, asked):
        assert burn.watch(server, "cs-api-canary-.*", 3, pause=0) == why
    assert all('pod=~"cs-api-canary-.*"' in query for query in asked)
    assert len(asked) == (4 if failed == 15 else 12)


def test_a_server_that_is_away_lets_nothing_through(monkeypatch, capsys) -> None:
    monkeypatch.setattr(burn.time, "sleep", lambda _: None)
    arguments = ["burn", "http://127.0.0.1:9", "--pods", "cs-api-.*", "--minutes", "1"]
    monkeypatch.setattr("sys.argv", arguments)
    assert burn.main() == 1
    assert "Prometheus does not say" in capsys.readouterr().err
