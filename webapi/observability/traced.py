"""Traces the requests of the API, in front of everything, where a collector is set."""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from coinsphere.observability.parts import Part
from coinsphere.observability.spans import Spans
from webapi.http import middleware

_FAULT = 500


class Traced:
    """A WSGI application whose every request is the first part of a trace of its own.

    A caller's own `traceparent` is not followed: a stranger would decide what is told, and under which name.

    Args:
        application: what answers.
        spans: of this process.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]], spans: Spans) -> None:
        self._application, self._spans = application, spans

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Let the application answer, and trace it by its route: a path names users' data."""
        request_id = environ[middleware.ID] = middleware.new_id()
        method = middleware.method_of(environ)
        part = Part(method, {"http.request.method": method})

        def noting(line: str, *rest: Any) -> Any:
            status = part.attributes["http.response.status_code"] = int(line[:3])
            part.failed = status >= _FAULT
            return start(line, *rest)

        with self._spans.first(request_id, part):
            try:
                return self._application(environ, noting)
            finally:
                if (route := environ.get(middleware.ROUTE)) is not None:
                    part.name = f"{method} {route}"
                    part.attributes["http.route"] = route


def register(app: Flask, spans: Spans) -> None:
    """Trace the requests of `app`."""
    traced = Traced(app.wsgi_app, spans)
    app.wsgi_app = traced  # type: ignore[method-assign,assignment]
