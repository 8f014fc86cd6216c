"""What every request and answer gets: an id, a log line, figures for Prometheus and security headers."""

import re
import secrets
import time

from flask import Flask, Response, g, request

from coinsphere import log
from coinsphere.observability import requests
from webapi.http import errors
from webapi.http.envelope import HEADERS, REQUEST_ID
from webapi.observability import metrics

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
    """By which an answer and what is logged of it are found."""
    return secrets.token_hex(16)


def record(
    method: str, route: str, path: str, status: int, *, began: float, request_id: str
) -> None:
    """Count a request that was answered, and write its line in the log.

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
    g.request_id = new_id()
    g.began = time.perf_counter()
    requests.bind(g.request_id)


def _refuse_large() -> None:
    """Refuse by the declared length at once, also where a route reads no body."""
    limit = request.max_content_length
    if limit is not None and (request.content_length or 0) > limit:
        raise errors.Problem(413)


def _secure(answer: Response) -> Response:
    answer.headers[REQUEST_ID] = g.request_id
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


def _record(answer: Response) -> Response:
    route = request.url_rule.rule if request.url_rule is not None else "none"
    record(
        _method(),
        route,
        request.path,
        answer.status_code,
        began=g.began,
        request_id=g.request_id,
    )
    return answer


def _end(_: BaseException | None) -> None:
    requests.unbind()


def _method() -> str:
    return request.method if request.method in _METHODS else "other"


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
