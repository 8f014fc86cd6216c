"""A local server that takes messages as Standard Webhooks, Telegram, Discord, Slack, ntfy and push services do, and can misbehave."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

BOT = "123456:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Taken:
    """A request that was taken."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Receivers:
    """What came, by the first part of its path, and how it is answered: by default as the service does."""

    url: str = ""
    taken: dict[str, list[Taken]] = field(default_factory=dict)
    answers: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    hangs: threading.Event = field(default_factory=threading.Event)

    def of(self, service: str) -> list[Taken]:
        return self.taken.get(service, [])

    def judge(self, service: str, request: Taken, raw: bytes) -> tuple[int, bytes]:
        """As the real service answers, with its refusals of what it would not take."""
        return {
            "hook": self._hook, "discord": self._discord, "slack": self._slack, "push": self._push,
        }.get(service, self._bot if service == f"bot{BOT}" else self._ntfy)(request, raw)  # fmt: skip

    def _hook(self, request: Taken, raw: bytes) -> tuple[int, bytes]:
        """Checks as the reference libraries of Standard Webhooks do."""
        head = request.headers
        key = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
        signed = f"{head['webhook-id']}.{head['webhook-timestamp']}.".encode() + raw
        wanted = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        is_good = f"v1,{wanted}" in head["webhook-signature"].split()
        return (204, b"") if is_good else (401, b"bad signature")

    def _bot(self, request: Taken, raw: bytes) -> tuple[int, bytes]:
        good = request.path.endswith("/sendMessage") and 0 < len(request.body["text"]) <= 4096
        answer = {"ok": good, "result": {"message_id": 1}}
        return (200 if good else 400), json.dumps(answer).encode()

    def _discord(self, request: Taken, raw: bytes) -> tuple[int, bytes]:
        return (204, b"") if 0 < len(request.body["content"]) <= 2000 else (400, b"{}")

    def _slack(self, request: Taken, raw: bytes) -> tuple[int, bytes]:
        return (200, b"ok") if request.body.get("text") else (400, b"no_text")

    def _push(self, request: Taken, raw: bytes) -> tuple[int, bytes]:
        """As RFC 8030 and RFC 8292 have it: a time to live, a sealed body, and a sender who proves the key that he names."""
        token, _, key = request.headers["authorization"].removeprefix("vapid t=").partition(", k=")
        point = base64.urlsafe_b64decode(key + "=")
        known = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        try:
            # The clock of a test may be another one than ours.
            claims = jwt.decode(
                token, known, algorithms=["ES256"], audience=self.url, options={"verify_exp": False}
            )
        except jwt.PyJWTError:
            return 403, b"not the key of the subscription"
        is_good = (
            claims["sub"].startswith("mailto:")
            and claims["exp"]
            and int(request.headers["ttl"]) > 0
        )
        is_sealed = request.headers["content-encoding"] == "aes128gcm" and 86 < len(raw) <= 4096
        return (201 if is_good and is_sealed else 400), b""

    def _ntfy(self, request: Taken, raw: bytes) -> tuple[int, bytes]:
        return (200, b'{"id": "x"}') if request.body.get("topic") else (400, b"{}")


@contextmanager
def serving() -> Iterator[Receivers]:
    """A server on this machine until the block ends."""
    state = Receivers()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            service = self.path.strip("/").partition("/")[0] or "ntfy"
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if service == "hang":
                state.taken.setdefault(service, []).append(Taken(self.path, {}, None))
                return self._trickle()
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Taken(self.path, headers, raw if service == "push" else json.loads(raw))
            status, extra = state.answers.get(service, (0, {}))
            body = b""
            if not status:
                status, body = state.judge(service, request, raw)
            state.taken.setdefault(service, []).append(request)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | extra).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            return None

        def _trickle(self) -> None:
            """A byte of a header now and then, so that no time between two bytes is long."""
            try:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while not state.hangs.wait(0.2):
                    self.wfile.write(b"x")
            except OSError:
                pass
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        state.hangs.set()
        server.shutdown()
        server.server_close()
