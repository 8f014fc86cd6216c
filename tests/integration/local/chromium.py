"""A real Chromium on a page of ours, which tells what it met by requests to the server that it came from."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")  # fmt: skip
FOREIGN = "evil.example"
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-popup-blocking",
    # The foreign name leads to this machine, as the name of an attacker who rebinds it does.
    f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1",
)


class Site:
    """An attacker's site: every path is its page, `/report` takes what the page met so far, `/cookies` tells what came along."""

    def __init__(self, page: str) -> None:
        self.report: dict[str, Any] = {}
        self.reported = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                cookies = self.headers.get("Cookie", "")
                self._answer(cookies if self.path == "/cookies" else page)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                site.report |= json.loads(body)
                self._answer("")
                if site.report.get("done"):
                    site.reported.set()

            def _answer(self, text: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]

    @contextmanager
    def serving(self) -> Iterator["Site"]:
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def visit(site: Site, url: str, profile: Path) -> dict[str, Any]:
    """What the page at `url` met in a fresh browser."""
    assert PROGRAM is not None
    command = [PROGRAM, *_OPTIONS, f"--user-data-dir={profile}", url]
    with (profile.parent / f"{profile.name}.log").open("wb") as log:
        browser = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        assert site.reported.wait(300), f"the page stopped behind {site.report}"
    finally:
        browser.terminate()
        browser.wait(timeout=30)
    return site.report
