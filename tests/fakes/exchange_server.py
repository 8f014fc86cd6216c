"""Local exchanges: one HTTP server that speaks the REST dialect of each, checks signatures and counts nonces.

A dialect is a class in its own module; it answers what an account's data says, page by page, as its exchange does.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as a dialect sees it; `query` are the parameters of the address, `form` of the body."""

    method: str
    path: str
    raw_query: str
    headers: dict[str, str]
    body: str
    query: dict[str, str]
    form: dict[str, str]


class Refused(Exception):
    """An answer that is no success, as the dialect writes it."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status, self.body, self.headers = status, body, headers or {}


class Dialect(Protocol):
    """How one exchange answers."""

    name: str

    def answer(self, asked: Asked) -> Any:
        """The body of a success. Raises `Refused`."""
        ...


@dataclass
class ExchangeServer:
    """The running server. `before` is called with every request and may raise `Refused`, or hang, or cut off."""

    url: str
    dialects: dict[str, Dialect]
    asked: list[str] = field(default_factory=list)
    before: Callable[[Asked], Any] | None = None


@contextmanager
def serving(*dialects: Dialect) -> Iterator[ExchangeServer]:
    """Serve these exchanges below `/<name>` on a free port."""
    lock = Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def respond(self) -> None:
            address = urlsplit(self.path)
            name, _, path = address.path.lstrip("/").partition("/")
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length).decode() if length else ""
            asked = Asked(
                self.command,
                "/" + path,
                address.query,
                {key.lower(): value for key, value in self.headers.items()},
                body,
                dict(parse_qsl(address.query, keep_blank_values=True)),
                {} if body.startswith("{") else dict(parse_qsl(body, keep_blank_values=True)),
            )
            state.asked.append(f"{name} {asked.path}")
            try:
                told = state.before(asked) if state.before else None
                with lock:
                    status, answer, headers = 200, told or state.dialects[name].answer(asked), {}
            except Refused as refused:
                status, answer, headers = refused.status, refused.body, refused.headers
            except CutOff:
                self.close_connection = True
                self.connection.close()
                return
            data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            for key, value in headers.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = respond  # noqa: N815  the library's names

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that was killed is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    state = ExchangeServer(
        f"http://127.0.0.1:{server.server_address[1]}", {each.name: each for each in dialects}
    )
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


class CutOff(Exception):
    """The connection breaks in the middle."""
