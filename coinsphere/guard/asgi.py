"""The guard before an ASGI application: Dagster's UI, MLflow, the model server."""

import re
from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from coinsphere.guard import pages, rules
from coinsphere.guard.passes import SESSION_SECONDS, SIGN_IN_PATH, Passes
from coinsphere.guard.rules import Refusal, Request
from coinsphere.settings import Settings

_HEADERS = {
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Lets requests through to `app` that carry a pass, come from its own pages, and write by JSON alone.

    Args:
        app: the application.
        settings: name the hosts that it answers to, and the token.
        service: its name; each has passes of its own.
        public: paths that need no pass; everything else holds for them too.
        raw: paths that take bodies that are no JSON.

    Raises:
        ConfigurationError: there is no token.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        service: str,
        *,
        public: Collection[str] = (),
        raw: re.Pattern[str] | None = None,
    ) -> None:
        self._app = app
        self._hosts = settings.own_hosts
        self._passes = Passes(settings, service)
        self._service = service
        self._public = public
        self._raw = raw

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in place of the application, or let it answer."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        answer = self._answer(_request(scope))
        if answer is None:
            await self._app(scope, receive, _hardened(send))
        elif scope["type"] == "websocket":
            await _refuse_websocket(answer, scope, receive, send)
        else:
            await answer(scope, receive, _hardened(send))

    def _answer(self, request: Request) -> Response | None:
        refusal = rules.foreign(request, self._hosts)
        if refusal is not None:
            return _text(refusal)
        if request.path == SIGN_IN_PATH and request.method == "GET":
            return self._sign_in(request)
        if request.path not in self._public and not self._passes.admit(request):
            return self._unknown(request)
        refusal = rules.disguised(request, self._raw)
        return None if refusal is None else _text(refusal)

    def _sign_in(self, request: Request) -> Response:
        code = parse_qs(request.query).get("code", [""])[0]
        session = self._passes.redeem(code)
        if session is None:
            return self._unknown(request)
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
        answer.set_cookie(
            self._passes.cookie, session, SESSION_SECONDS, httponly=True, samesite="strict"
        )
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    def _unknown(self, request: Request) -> Response:
        headers = {"WWW-Authenticate": "Bearer", "Cache-Control": "no-store", "Vary": "Accept"}
        if "text/html" in request.get("accept"):
            page = pages.sign_in(self._service, may_continue=request.path != SIGN_IN_PATH)
            return HTMLResponse(page, HTTPStatus.UNAUTHORIZED, headers)
        return PlainTextResponse(pages.UNKNOWN + "\n", HTTPStatus.UNAUTHORIZED, headers)


def _request(scope: Scope) -> Request:
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]  # fmt: skip
    return Request(
        scope.get("method", "GET"),
        scope["path"],
        scope["query_string"].decode("latin-1"),
        headers,
        is_websocket=scope["type"] == "websocket",
    )


def _text(refusal: Refusal) -> Response:
    headers = {"Allow": "POST"} if refusal.status is HTTPStatus.METHOD_NOT_ALLOWED else {}
    return PlainTextResponse(refusal.reason + "\n", refusal.status, headers)


def _hardened(send: Send) -> Send:
    """`send` with headers that forbid other sites to frame or read the response."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


async def _refuse_websocket(answer: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """With the answer where the server can send one, else with its own 403."""
    if "websocket.http.response" in scope.get("extensions", {}):
        await answer(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008, "reason": ""})
