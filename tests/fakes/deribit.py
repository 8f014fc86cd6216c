"""Deribit as a local server: DVOL by JSON-RPC over HTTP, newest days first by page, as its documentation says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATH = "/api/v2/public/get_volatility_index_data"
_DAY = 86_400_000


@dataclass
class Deribit:
    """Candles by currency, as rows of [milliseconds, open, high, low, close]; whatever `refusal` says goes for all calls."""

    candles: dict[str, list[Any]] = field(default_factory=dict)
    page: int = 1000
    refusal: tuple[int, str] | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def answer(self, query: dict[str, str]) -> tuple[int, str]:
        self.asked.append(query)
        if self.refusal is not None:
            return self.refusal
        if query["currency"] not in self.candles or query["resolution"] != "1D":
            error = {"code": -32602, "message": "Invalid params"}
            return 400, json.dumps({"jsonrpc": "2.0", "error": error})
        first, last = int(query["start_timestamp"]), int(query["end_timestamp"])
        rows = [row for row in self.candles[query["currency"]] if _lies(row, first, last)]
        older, given = rows[: -self.page], rows[-self.page :]
        result = {"data": given, "continuation": older[-1][0] if older else None}
        return 200, json.dumps({"jsonrpc": "2.0", "result": result})


def _lies(row: Any, first: int, last: int) -> bool:
    """A row that is none is given with every page: a fault of the server's."""
    return not isinstance(row, list) or first - _DAY < row[0] <= last


@contextmanager
def served() -> Iterator[Deribit]:
    """Answer on a free port until the end."""
    state = Deribit()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(asked.query).items()}
            status, text = state.answer(query) if asked.path == PATH else (404, "")
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{listener.server_address[1]}/api/v2"
    Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield state
    finally:
        listener.shutdown()
        listener.server_close()
