"""Adds an id, a log line, metrics and security headers to every request and answer."""

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, g, request

from coinsphere import log
from coinsphere.observability import requests
from webapi.http import errors
from webapi.http.envelope import HEADERS, REQUEST_ID, complete
from webapi.observability import metrics

ID = "coinsphere.request_id"
"""Where a request's id stands that was made in front of us."""
ROUTE = "coinsphere.route"
"""Where the template of a request's route stands, once it is answered."""

_log = log.get("webapi.access")
_SHARED = "/shared/"
_LINK = re.compile(rf"({_SHARED})[^/]+")
"""A link to a portfolio: who knows its last part sees it."""


def register(app: Flask) -> None:
    """Wrap every request of `app`."""
    app.before_request(_begin)
    app.before_request(_refuse_large)
    app.after_request(_secure)
    app.after_request(_record)
    app.teardown_request(_end)


def new_id() -> str:
    """A new id, by which an answer and its log lines are found."""
    return secrets.token_hex(16)


def id_of(environ: Mapping[str, Any]) -> str:
    """The id of a request: its own, or a new one."""
    return environ.get(ID) or new_id()


def method_of(environ: Mapping[str, Any]) -> str:
    """The HTTP method; `other` for an unknown one, as each label takes memory."""
    method: str = environ["REQUEST_METHOD"]
    return method if method in _METHODS else "other"


def record(
    method: str, route: str, path: str, status: int, *, began: float, request_id: str
) -> None:
    """Count an answered request, and log it.

    Args:
        method: of HTTP, or `other`.
        route: its template: as a label, a path would let a stranger fill the memory.
        path: never with the query: people paste tokens into it.
        status: of the answer.
        began: when the request came, by `time.perf_counter`.
        request_id: its id.
    """
    seconds = time.perf_counter() - began
    count, duration = metrics.of_request(method, route, status)
    count.inc()
    duration.observe(seconds)
    _log.info(
        "request",
        method=method,
        path=_LINK.sub(rf"\1{log.MASK}", path) if _SHARED in path else path,
        status=status,
        milliseconds=round(seconds * 1000, 1),
        request_id=request_id,
    )


def _begin() -> None:
    g.request_id = id_of(request.environ)
    g.began = time.perf_counter()
    requests.bind(g.request_id)


def _refuse_large() -> None:
    """Refuse a body by its declared length, also on routes that read none."""
    limit = request.max_content_length
    if limit is not None and (request.content_length or 0) > limit:
        raise errors.Problem(413)


def _secure(answer: Response) -> Response:
    answer.headers[REQUEST_ID] = g.request_id
    complete(answer.headers, HEADERS)
    return answer


def _record(answer: Response) -> Response:
    route = request.url_rule.rule if request.url_rule is not None else "none"
    request.environ[ROUTE] = route
    record(
        method_of(request.environ),
        route,
        request.path,
        answer.status_code,
        began=g.began,
        request_id=g.request_id,
    )
    return answer


def _end(_: BaseException | None) -> None:
    requests.unbind()


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
