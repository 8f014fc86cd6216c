"""A local collector of OpenTelemetry that takes spans by OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp/)."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Seen:
    """A span that came, with the process that told it."""

    process: str
    trace: str
    id: str
    parent: str
    name: str
    kind: int
    failed: bool
    attributes: dict[str, Any]
    began: int
    """Nanoseconds since 1970, as `ended`."""
    ended: int


@dataclass
class Collector:
    """Its URL, the spans that came, and all that came as text.

    `status` is what it answers; while `released` is not set it takes what is sent and answers nothing.
    """

    url: str = ""
    status: int = 200
    asked: Event = field(default_factory=Event)
    released: Event = field(default_factory=Event)
    spans: list[Seen] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def named(self, name: str, trace: str | None = None) -> list[Seen]:
        return [each for each in self.spans if each.name == name and trace in (None, each.trace)]

    def of(self, trace: str) -> list[Seen]:
        return [each for each in self.spans if each.trace == trace]

    def above(self, span: Seen) -> list[str]:
        """Names of the spans above `span`, upwards to the first."""
        known = {each.id: each for each in self.of(span.trace)}
        found, parent = [], known.get(span.parent)
        while parent is not None:
            found.append(parent.name)
            parent = known.get(parent.parent)
        return found


@contextmanager
def collector(*, hangs: bool = False, status: int = 200, port: int = 0) -> Iterator[Collector]:
    made = Collector(status=status)
    if not hangs:
        made.released.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["Content-Length"]))
            made.asked.set()
            made.released.wait()
            if self.path == "/v1/traces" and made.status < 300:
                assert self.headers["Content-Type"] == "application/x-protobuf"
                _read(gzip.decompress(data))
            self.send_response(made.status if self.path == "/v1/traces" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    def _read(data: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(data)
        made.heard.append(str(request))
        for resource in request.resource_spans:
            process = _attributes(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                made.spans.extend(_seen(process, each) for each in scope.spans)

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        made.released.set()
        server.shutdown()
        server.server_close()


def _seen(process: str, span: Any) -> Seen:
    return Seen(
        process,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.name,
        span.kind,
        span.status.code == span.status.STATUS_CODE_ERROR,
        _attributes(span.attributes),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in pairs}
