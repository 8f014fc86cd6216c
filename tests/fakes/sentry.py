"""A local server that takes envelopes as Sentry does (https://develop.sentry.dev/sdk/data-model/envelopes/)."""

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class Sentry:
    """Its DSN, the events that came, and everything that came as text."""

    dsn: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)


@contextmanager
def sentry() -> Iterator[Sentry]:
    made = Sentry()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                data = gzip.decompress(data)
            is_ours = (
                self.path == "/api/7/envelope/"
                and "sentry_key=publickey" in self.headers.get("X-Sentry-Auth", "")
            )
            if is_ours:
                made.heard.append(data.decode())
                _read(data.decode().split("\n")[1:])
            self.send_response(200 if is_ours else 403)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    def _read(lines: list[str]) -> None:
        for head, body in zip(lines[::2], lines[1::2], strict=False):
            if json.loads(head)["type"] == "event":
                made.events.append(json.loads(body))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.dsn = f"http://publickey@127.0.0.1:{server.server_address[1]}/7"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
