"""A local OpenID provider: describes itself, publishes keys, checks PKCE and its client, and signs ID tokens for real.

A test says who logs in, changes keys, and has it say something wrong or nothing at all.
"""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

CLIENT_ID, SECRET = "coinsphere-tests", "9f2b1c7d44e0a6583b"


@dataclass
class Key:
    """A key that signs, by its id."""

    id: str = field(default_factory=lambda: secrets.token_hex(4))
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def public(self) -> dict[str, str]:
        told: dict[str, str] = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**told, "kid": self.id, "use": "sig", "alg": "ES256"}


@dataclass
class Provider:
    """What it answers: `claims` replace those of the next ID tokens (None leaves one out), `fault` the whole answer."""

    clock: Callable[[], datetime]
    url: str = ""
    key: Key = field(default_factory=Key)
    signs_with: Key | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] | None = None
    description: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    fault: str | None = None
    hangs: threading.Event = field(default_factory=threading.Event)

    def log_in(
        self, address: str, subject: str, email: str | None, *, is_confirmed: bool = True
    ) -> dict[str, str]:
        """Somebody logs in at the page of `address`: what the browser brings back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT_ID)
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(16)
        self.codes[code] = {
            **asked,
            "sub": subject,
            "email": email or "",
            "confirmed": str(is_confirmed),
        }
        return {"code": code, "state": asked["state"], "iss": self.described()["issuer"]}

    def described(self) -> dict[str, Any]:
        return {
            "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys", "userinfo_endpoint": f"{self.url}/userinfo", **self.description,
        }  # fmt: skip

    def exchanged(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """As a provider answers a code: once, to its client, from the same address, with the verifier."""
        wanted = "Basic " + base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
        if authorization != wanted:
            return 401, {"error": "invalid_client"}
        begun = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if begun is None or begun["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        if begun["code_challenge"] != challenge:
            return 400, {"error": "invalid_grant", "error_description": "PKCE"}
        return 200, {
            "access_token": "a" * 20,
            "token_type": "Bearer",
            "id_token": self._token(begun),
        }

    def _token(self, begun: dict[str, str]) -> str:
        now = self.clock()
        claims: dict[str, Any] = {
            "iss": self.url, "sub": begun["sub"], "aud": CLIENT_ID, "nonce": begun["nonce"],
            "iat": int(now.timestamp()), "exp": int((now + timedelta(minutes=5)).timestamp()),
        }  # fmt: skip
        if begun["email"]:
            claims |= {"email": begun["email"], "email_verified": begun["confirmed"] == "True"}
        told = {name: value for name, value in (claims | self.claims).items() if value is not None}
        key = self.signs_with or self.key
        return jwt.encode(told, key.private, algorithm="ES256", headers={"kid": key.id})


@contextmanager
def served(clock: Callable[[], datetime]) -> Iterator[Provider]:
    """A provider that listens on loopback."""
    state = Provider(clock)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            if self.path.startswith("/authorize?"):
                self._at_once()
            elif self.path == "/userinfo":
                self._send(200, state.userinfo or {})
            elif self.path == "/keys":
                self._send(200, {"keys": [state.key.public()]})
            else:
                self._send(200, state.described())

        def _at_once(self) -> None:
            """Somebody new logs in at once, and is led back."""
            name = secrets.token_hex(8)
            back = parse_qs(urlsplit(self.path).query)["redirect_uri"][0]
            brought = state.log_in(self.path, name, f"{name}@example.com")
            self.send_response(302)
            self.send_header("Location", f"{back}?{urlencode(brought)}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            state.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._send(*state.exchanged(form, self.headers.get("Authorization", "")))

        def _send(self, status: int, told: dict[str, Any]) -> None:
            if state.fault == "hangs":
                state.hangs.wait(60)
                return
            data = b"x" * 300_000 if state.fault == "large" else json.dumps(told).encode()
            self.send_response(500 if state.fault == "broken" else status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        state.hangs.set()
        server.shutdown()
        server.server_close()
