"""Exports spans: OTLP over HTTP to a collector, in batches, from a thread of its own."""

import logging
import os
import time
from collections.abc import Callable
from importlib.metadata import version
from urllib.parse import urlsplit

import requests as requests_library
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from coinsphere.errors import ConfigurationError
from coinsphere.observability.parts import headers_of
from coinsphere.settings import Settings

_PATH = "/v1/traces"
_QUEUE = 4_096
"""Spans that wait to be sent; what comes when it is full pushes the oldest out."""
_BATCH = 512
_EVERY_SECONDS = 2.0
_PATIENCE_SECONDS = 5.0
"""For a collector's answer: the thread that sends waits so long, and nobody else."""
_TALKATIVE = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk._shared_internal",
)
_QUIET_SECONDS = 60.0


def build(
    settings: Settings, process: str, ids: IdGenerator
) -> tuple[TracerProvider, BatchSpanProcessor]:
    """The tracer of `process` and the thread that sends its spans to `traces_url`.

    Raises:
        ConfigurationError: the address or a header is none.
    """
    sending = BatchSpanProcessor(
        _exporter(settings),
        max_queue_size=_QUEUE,
        max_export_batch_size=_BATCH,
        schedule_delay_millis=_EVERY_SECONDS * 1000,
    )
    provider = TracerProvider(
        sampler=ALWAYS_ON,  # what is not to be told is never begun
        resource=_resource(settings, process),
        id_generator=ids,
        shutdown_on_exit=False,
    )
    provider.add_span_processor(sending)
    for name in _TALKATIVE:
        logging.getLogger(name).addFilter(_now_and_then())
    return provider, sending


def _exporter(settings: Settings) -> OTLPSpanExporter:
    assert settings.traces_url is not None
    return OTLPSpanExporter(
        endpoint=_endpoint(settings.traces_url.get_secret_value()),
        headers=headers_of(settings),
        timeout=_PATIENCE_SECONDS,
        compression=Compression.Gzip,
        session=_session(),
    )


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError("COINSPHERE_TRACES_URL is no address of HTTP.")
    return url if parts.path.strip("/") else url.rstrip("/") + _PATH


def _now_and_then() -> Callable[[logging.LogRecord], bool]:
    """Lets a line a minute through: a collector that is away for a night is no news every two seconds."""
    heard = -_QUIET_SECONDS

    def is_due(_: logging.LogRecord) -> bool:
        nonlocal heard
        now = time.monotonic()
        if now - heard < _QUIET_SECONDS:
            return False
        heard = now
        return True

    return is_due


def _session() -> requests_library.Session:
    session = requests_library.Session()
    session.trust_env = False
    return session


def _resource(settings: Settings, process: str) -> Resource:
    return Resource(
        {
            "service.namespace": "coinsphere",
            "service.name": f"coinsphere-{process}",
            "service.version": version("coinsphere"),
            "service.instance.id": str(os.getpid()),
            "deployment.environment.name": settings.environment,
        }
    )
