"""What both clients do alike, without a connection: bodies, answers, and when to ask again."""

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, TypeVar
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx2
import msgspec

from coinsphere_client.errors import ApiError, UnexpectedAnswer

Body = TypeVar("Body", contravariant=True)  # noqa: PLC0105 - readers meet it in signatures
Answer = TypeVar("Answer")
V1 = "/api/v1"
PATIENCE = 30.0
"""Seconds that an answer may keep us waiting."""
_AGAIN = frozenset((429, 502, 503, 504))
_LONGEST_PAUSE = 60.0
_UNAUTHORIZED = 401
_PARAMETER = re.compile(r"{(\w+)}")


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
class Route(Generic[Body, Answer]):
    """A route, and the types of what it takes and answers; see `coinsphere_client.routes`."""

    method: str
    path: str
    answer: type[Answer]
    body: Any = None

    def __call__(self, body: Body) -> "Route[None, Answer]":
        """The route with what it takes."""
        return Route(self.method, self.path, self.answer, body)

    def call(self, parameters: Mapping[str, Any]) -> "Call":
        """A request of it: parameters of the path by their names, others are of the query, in Python's manner or the wire's.

        Raises:
            KeyError: a parameter of the path is missing.
        """
        of_path = _PARAMETER.findall(self.path)
        path = self.path.format(**{name: quote(str(parameters[name]), safe="") for name in of_path})
        query = {
            _camel(name): _sent(value)
            for name, value in parameters.items()
            if name not in of_path and value is not None
        }
        is_bare = self.body is None and self.method == "POST"
        return Call(self.method, path, {} if is_bare else self.body, query)


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


def read_as(answer: httpx2.Response, kind: type[Answer]) -> Answer:
    """The body of a success as a type; what the type does not know is left out. Raises `ApiError`, `UnexpectedAnswer`."""
    if not answer.is_success:
        read(answer)
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.MsgspecError as error:
        raise UnexpectedAnswer(
            f"{answer.request.method} {answer.request.url.path}: {error}"
        ) from error


def _camel(name: str) -> str:
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def _sent(value: Any) -> Any:
    return _plain(value) if isinstance(value, Decimal) or hasattr(value, "isoformat") else value


def written(body: Any) -> bytes:
    """JSON with every digit of its decimals: the API takes a number as text, too."""
    return json.dumps(body, default=_plain).encode()


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be sent")
