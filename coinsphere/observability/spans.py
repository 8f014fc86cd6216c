"""The spans of this process, and the thread that sends them. Imports OpenTelemetry, which is an extra."""

import atexit
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import version

import structlog
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Span, SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from coinsphere.observability import span_export
from coinsphere.observability.parts import HEADER, Part
from coinsphere.settings import Settings

_HALF = 16
"""Hexadecimal digits of half a trace's id, and of a span's."""
_PARTING_SECONDS = 2.0
"""A process that ends sends what it has left within so long."""
_MOST = 1_000
"""Steps of one request, job or step of a run: who books an import makes more statements than anybody reads."""

_left: ContextVar[list[int] | None] = ContextVar("left", default=None)
_first: ContextVar[str | None] = ContextVar("first", default=None)


class _Ids(RandomIdGenerator):
    """Random ids, except for those of a trace's first span: both come of the trace's name."""

    def generate_trace_id(self) -> int:
        named = _first.get()
        return int(named, 16) if named else super().generate_trace_id()

    def generate_span_id(self) -> int:
        named = _first.get()
        return int(named[:_HALF], 16) if named else super().generate_span_id()


class Spans:
    """Makes the spans of a process.

    Args:
        provider: makes them.
        sending: the thread that sends them.
        share: which part of all traces is told; of the others only what failed, alone.
    """

    def __init__(self, provider: TracerProvider, sending: BatchSpanProcessor, share: float) -> None:
        self._tracer = provider.get_tracer("coinsphere", version("coinsphere"))
        self._bound = round(share * (1 << 64))
        self._propagator = TraceContextTextMapPropagator()
        self._sending = sending
        atexit.register(self.stop)

    def stop(self) -> None:
        """Send what is left, for two seconds at most: by itself it would wait half a minute for a collector that hangs."""
        self._sending._batch_processor.shutdown(int(_PARTING_SECONDS * 1000))  # noqa: SLF001

    @contextmanager
    def first(self, named: str, part: Part, kind: SpanKind = SpanKind.SERVER) -> Iterator[Part]:
        """The span of `part` as the first of the trace `named`, 32 hexadecimal digits."""
        with self._told(named, part, Context(), kind, is_first=True):
            yield part

    @contextmanager
    def after(self, named: str, part: Part, kind: SpanKind = SpanKind.CONSUMER) -> Iterator[Part]:
        """The span of `part` after the first of the trace `named`; the first of a new trace where no name is given."""
        own = named or secrets.token_hex(16)
        above = _below(_first_of(named)) if named else Context()
        with self._told(own, part, above, kind, is_first=not named):
            yield part

    @contextmanager
    def continued(self, header: str, part: Part) -> Iterator[Part]:
        """The span of `part` below another process's span, which `traceparent` names."""
        above = self._propagator.extract({HEADER: header}, Context())
        caller = trace.get_current_span(above).get_span_context()
        if not caller.trace_flags.sampled:
            yield part
            return
        named = trace.format_trace_id(caller.trace_id)
        span = self._begin(part, above, SpanKind.SERVER)
        with structlog.contextvars.bound_contextvars(trace_id=named), self._current(span, part):
            yield part

    @contextmanager
    def within(self, header: str) -> Iterator[None]:
        """A context below the span that `header` names."""
        token = contexts.attach(self._propagator.extract({HEADER: header}, Context()))
        try:
            yield
        finally:
            contexts.detach(token)

    @contextmanager
    def step(self, part: Part, kind: SpanKind = SpanKind.CLIENT) -> Iterator[Part]:
        """The span of `part` below the present one."""
        with self._current(self._begin(part, None, kind), part):
            yield part

    def header(self) -> str | None:
        """The name of the present span for another process; None where there is none."""
        carrier: dict[str, str] = {}
        if is_told():
            self._propagator.inject(carrier)
        return carrier.get(HEADER)

    @contextmanager
    def _told(
        self, named: str, part: Part, above: Context, kind: SpanKind, *, is_first: bool
    ) -> Iterator[None]:
        first = named if is_first else None
        if int(named[:_HALF], 16) < self._bound:
            span = self._begin(part, above, kind, first=first)
            with structlog.contextvars.bound_contextvars(trace_id=named), self._bounded(span, part):
                yield
            return
        began = time.time_ns()
        try:
            with _noting(part):
                yield
        finally:
            if part.failed:
                _end(self._begin(part, above, kind, first=first, began=began), part)

    def _begin(
        self,
        part: Part,
        above: Context | None,
        kind: SpanKind,
        *,
        first: str | None = None,
        began: int | None = None,
    ) -> Span:
        token = _first.set(first)
        try:
            return self._tracer.start_span(part.name, above, kind, start_time=began)
        finally:
            _first.reset(token)

    @contextmanager
    def _bounded(self, span: Span, part: Part) -> Iterator[None]:
        left = [_MOST]
        token = _left.set(left)
        try:
            with self._current(span, part):
                try:
                    yield
                finally:
                    if left[0] < 0:
                        part.attributes["coinsphere.steps.untold"] = -left[0]
        finally:
            _left.reset(token)

    @contextmanager
    def _current(self, span: Span, part: Part) -> Iterator[None]:
        token = contexts.attach(trace.set_span_in_context(span))
        try:
            with _noting(part):
                yield
        finally:
            contexts.detach(token)
            _end(span, part)


def is_told() -> bool:
    """Whether the present thread or task belongs to a trace that is sent."""
    return trace.get_current_span().get_span_context().trace_flags.sampled


def takes_step() -> bool:
    """Whether a step of what is done now is told: of a trace that is, up to a number."""
    if not is_told():
        return False
    left = _left.get()
    if left is None:
        return True
    left[0] -= 1
    return left[0] >= 0


def build(settings: Settings, process: str) -> Spans:
    """The spans of `process`, sent to `traces_url`.

    Raises:
        ConfigurationError: the address or a header is none.
    """
    return Spans(*span_export.build(settings, process, _Ids()), settings.traces_share)


def _first_of(named: str) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(int(named, 16), int(named[:_HALF], 16), is_remote=True, trace_flags=flags)


def _below(parent: SpanContext) -> Context:
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


@contextmanager
def _noting(part: Part) -> Iterator[None]:
    """Of an exception its type alone: its text may hold what somebody wrote."""
    try:
        yield
    except BaseException as error:
        part.failed = True
        part.attributes["error.type"] = type(error).__qualname__
        raise


def _end(span: Span, part: Part) -> None:
    span.update_name(part.name)
    span.set_attributes(part.attributes)
    if part.failed:
        span.set_status(StatusCode.ERROR)
    span.end()
