"""What both clients do alike, without a connection: bodies, answers, and when to ask again."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx2

from coinsphere_client.errors import ApiError

V1 = "/api/v1"
PATIENCE = 30.0
"""Seconds that an answer may keep us waiting."""
_AGAIN = frozenset((429, 502, 503, 504))
_LONGEST_PAUSE = 60.0
_UNAUTHORIZED = 401


@dataclass
class Credentials:
    """How a client says who it is: by an API key, or by a session's tokens."""

    api_key: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)

    def headers(self) -> dict[str, str]:
        """Those of a request."""
        if self.api_key is not None:
            return {"X-API-Key": self.api_key}
        return {} if self.access_token is None else {"Authorization": f"Bearer {self.access_token}"}

    def take(self, session: Mapping[str, Any]) -> None:
        """Keep the tokens of a login or a refresh."""
        self.access_token, self.refresh_token = session["accessToken"], session["refreshToken"]

    def can_renew(self, answer: httpx2.Response) -> bool:
        """Whether a refused request may be good with a new access token."""
        return answer.status_code == _UNAUTHORIZED and self.refresh_token is not None


@dataclass(frozen=True)
class Call:
    """One request, the same at each try."""

    method: str
    path: str
    body: Any = None
    query: Mapping[str, Any] = field(default_factory=dict)
    key: str = field(default_factory=lambda: str(uuid4()))

    def options(self, credentials: Credentials) -> dict[str, Any]:
        """As httpx takes it."""
        headers = {"Accept": "application/json", **credentials.headers()}
        options: dict[str, Any] = {"params": dict(self.query)}
        if self.body is not None:
            options["content"] = written(self.body)
            headers["Content-Type"] = "application/json"
        if self.method == "POST":
            headers["Idempotency-Key"] = self.key
        return {**options, "headers": headers}


def login(email: str, password: str, code: str | None) -> Call:
    """The request of a new session."""
    body = {"email": email, "password": password}
    return Call("POST", "/auth/login", body if code is None else {**body, "twoFactorToken": code})


def renewal(refresh_token: str) -> Call:
    """The request of a new pair of tokens."""
    return Call("POST", "/auth/refresh", {"refreshToken": refresh_token})


def pause(tried: int, answer: httpx2.Response | None) -> float | None:
    """Seconds before the next try; None: the answer is final."""
    if answer is not None and answer.status_code not in _AGAIN:
        return None
    own: float = random.uniform(0.5, 1) * 0.5 * 2**tried  # noqa: S311 - spreads clients, keeps no secret
    asked = answer.headers.get("Retry-After", "") if answer is not None else ""
    return min(max(own, float(asked) if asked.isdecimal() else 0.0), _LONGEST_PAUSE)


def read(answer: httpx2.Response) -> Any:
    """The body of a success, fractions as `Decimal`; bytes of what is no JSON. Raises `ApiError`."""
    is_json = "json" in answer.headers.get("Content-Type", "")
    try:
        body = json.loads(answer.content, parse_float=Decimal) if is_json else answer.content
    except ValueError:
        body = {}
    if answer.is_success:
        return body
    raise ApiError(answer.status_code, body if isinstance(body, dict) else {})


def written(body: Any) -> bytes:
    """JSON with every digit of its decimals: the API takes a number as text, too."""
    return json.dumps(body, default=_plain).encode()


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise TypeError(f"{type(value).__name__} cannot be sent")
