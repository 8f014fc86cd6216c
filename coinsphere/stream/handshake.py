"""Reads the request for a WebSocket: its path, token, cookie and origin. Every refusal is an answer in the API's format."""

from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import StatusLike, Subprotocol

from coinsphere.accounts import browser_sessions
from coinsphere.errors import TokenRefused
from coinsphere.security import bearer
from coinsphere.stream import graphql_transport

PROTOCOL = Subprotocol("coinsphere.v1")
_PROBLEM = "application/problem+json"
_CARRIER = "token."
"""How a subprotocol begins that carries the token: a browser cannot set headers."""
_QUERY_NAMES = frozenset({"token", "access_token", "accesstoken", "jwt", "authorization", "auth"})


def presented_token(request: Request) -> str | None:
    """The access token that the request carries; None where it carries none.

    Raises:
        TokenRefused: one stands in the query string, where logs and histories keep it.
    """
    query = parse_qs(urlsplit(request.path).query, keep_blank_values=True)
    if any(name.lower() in _QUERY_NAMES for name in query):
        raise TokenRefused("an access token in the query string is refused; it ends in logs")
    token = bearer.credentials(request.headers.get("Authorization", ""))
    if token is not None:
        return token
    carried = [each for each in _offered(request) if each.startswith(_CARRIER)]
    return carried[0].removeprefix(_CARRIER) if carried else None


def presented_secret(request: Request) -> str | None:
    """The secret in the session's cookie; None without one of our form."""
    parts = [part for value in request.headers.get_all("Cookie") for part in value.split(";")]
    pairs = [part.strip().partition("=") for part in parts]
    secrets = [value for name, _, value in pairs if name == browser_sessions.COOKIE]
    return secrets[0] if len(secrets) == 1 and browser_sessions.is_possible(secrets[0]) else None


def origin_of(request: Request) -> str | None:
    """The `Origin` header; None without one; several name none, and match nothing."""
    origins = request.headers.get_all("Origin")
    return ", ".join(origins) if origins else None


def chosen_protocol(_: ServerConnection, offered: Iterable[Subprotocol]) -> Subprotocol | None:
    """Ours or GraphQL's, whichever is offered first, so that the token is not sent back; else the token's: browsers want one."""
    protocols = list(offered)
    spoken = [each for each in protocols if each in (PROTOCOL, graphql_transport.PROTOCOL)]
    if spoken:
        return spoken[0]
    return next((each for each in protocols if each.startswith(_CARRIER)), None)


def path_of(request: Request) -> str:
    """The request's path without its query."""
    return urlsplit(request.path).path


def problem(status: StatusLike, text: str) -> Response:
    """A refusal, as problem+json with the plain `error` beside it; it ends the connection."""
    known = HTTPStatus(status)
    return answer(known, _body(known, text.strip() or known.phrase), _PROBLEM)


def written(status: HTTPStatus, detail: str) -> bytes:
    """A whole refusal for a client that is not read further; it ends the connection."""
    body = msgspec.json.encode(_body(status, detail))
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {_PROBLEM}\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def _body(status: HTTPStatus, detail: str) -> dict[str, object]:
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return {**body, "error": detail}


def answer(status: HTTPStatus, body: object, media_type: str = "application/json") -> Response:
    """An HTTP answer instead of a WebSocket."""
    written = msgspec.json.encode(body)
    headers = Headers(
        {
            "Date": formatdate(usegmt=True),
            "Connection": "close",
            "Content-Length": str(len(written)),
            "Content-Type": media_type,
            "Cache-Control": "no-store",
        }
    )
    return Response(status.value, status.phrase, headers, written)


def _offered(request: Request) -> list[str]:
    values = request.headers.get_all("Sec-WebSocket-Protocol")
    return [part.strip() for value in values for part in value.split(",")]
