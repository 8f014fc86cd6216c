"""Counts, times and logs the requests of an ASGI application: model server, MLflow, Dagster's UI."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import Counter, Histogram

from coinsphere import log
from coinsphere.observability import parts, requests, traces
from coinsphere.observability.parts import Part

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Counter(
    "coinsphere_service_requests",
    "Requests that model server, MLflow and Dagster's UI answered.",
    ["service", "status"],
)
DURATION = Histogram(
    "coinsphere_service_request_duration_seconds",
    "Time from the request's arrival in the application to the end of its answer.",
    ["service"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
_FAULT = 500


class Measured:
    """`app` with its requests measured; one that carries an id of the API is logged, too."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app, self._service = app, service
        self._log = log.get(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer, and measure it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            if scope["type"] == "lifespan":  # uvicorn ends by the signal that it got
                traces.stop()
            return
        began, status = time.perf_counter(), _FAULT

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        # Each request is a task of its own, and so ends with what is bound.
        requests.bind(_header(scope, requests.HEADER))
        part = Part(scope["method"], {"http.request.method": scope["method"]})
        with traces.continued(part, _header(scope, parts.HEADER)):
            try:
                await self._app(scope, receive, sending)
            finally:
                _describe(part, scope, status)
                self._record(scope, status, time.perf_counter() - began)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        REQUESTS.labels(self._service, status).inc()
        DURATION.labels(self._service).observe(seconds)
        if requests.current():
            took = round(seconds * 1000, 1)
            path = scope["path"]
            self._log.info(
                "request", method=scope["method"], path=path, status=status, milliseconds=took
            )


def _header(scope: Scope, wanted: str) -> str | None:
    name = wanted.lower().encode()
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def _describe(part: Part, scope: Scope, status: int) -> None:
    """By its route, where the application has any: a path names what somebody has."""
    part.attributes["http.response.status_code"] = status
    part.failed = status >= _FAULT
    if (route := getattr(scope.get("route"), "path", None)) is not None:
        part.name = f"{scope['method']} {route}"
        part.attributes["http.route"] = route
