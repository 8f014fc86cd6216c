"""DefiLlama as a local server: the two answers that we ask for, as tests set them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class DefiLlama:
    """What it answers, by path; text is sent as it is. A status other than 200 goes for all paths."""

    answers: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    url: str = ""


@contextmanager
def served() -> Iterator[DefiLlama]:
    """Answer on a free port until the end."""
    state = DefiLlama()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = state.answers.get(self.path, [])
            body = found.encode() if isinstance(found, str) else json.dumps(found).encode()
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{listener.server_address[1]}"
    Thread(target=listener.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        listener.shutdown()
        listener.server_close()
