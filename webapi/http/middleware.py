"""What every request and answer gets: an id, a log line, figures for Prometheus and security headers."""

import re
import secrets
import time

import structlog
from flask import Flask, Response, g, request

from coinsphere import log
from webapi.http import errors
from webapi.http.envelope import HEADERS, REQUEST_ID
from webapi.observability import metrics

_log = log.get("webapi.access")
_LINK = re.compile(r"(/shared/)[^/]+")
"""A link to a portfolio: who knows its last part sees it."""


def register(app: Flask) -> None:
    """Wrap every request of `app`."""
    app.before_request(_begin)
    app.before_request(_refuse_large)
    app.after_request(_secure)
    app.after_request(_record)
    app.teardown_request(_end)


def _begin() -> None:
    g.request_id = secrets.token_hex(16)
    g.began = time.perf_counter()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


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
    seconds = time.perf_counter() - g.began
    metrics.REQUESTS.labels(_method(), _route(), answer.status_code).inc()
    metrics.DURATION.labels(_method(), _route()).observe(seconds)
    # The path, never the query: people paste tokens into it.
    _log.info(
        "request",
        method=request.method,
        path=_LINK.sub(rf"\1{log.MASK}", request.path),
        status=answer.status_code,
        milliseconds=round(seconds * 1000, 1),
    )
    return answer


def _end(_: BaseException | None) -> None:
    structlog.contextvars.unbind_contextvars("request_id")


def _route() -> str:
    """The route's template: as a label, a path would let a stranger fill the memory."""
    return request.url_rule.rule if request.url_rule is not None else "none"


def _method() -> str:
    return request.method if request.method in _METHODS else "other"


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
