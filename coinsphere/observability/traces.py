"""Traces of requests, jobs and runs, sent to a collector by OTLP over HTTP.

The id of a request is that of its trace too, and the first half of the id is that of the trace's first span. Whoever knows
a request's id so continues its trace, and decides alike whether it is told: a job in another process needs nothing more.
Off by default; then nothing here does anything. Sources: https://opentelemetry.io/docs/specs/otel/trace/,
https://www.w3.org/TR/trace-context/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from coinsphere.errors import ConfigurationError
from coinsphere.observability import requests
from coinsphere.observability.parts import Part

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from coinsphere.observability.spans import Spans
    from coinsphere.settings import Settings

_spans: Spans | None = None

P = ParamSpec("P")
Answer = TypeVar("Answer")


def start(settings: Settings, process: str) -> Spans | None:
    """Trace this process, its statements, commands and calls included; does nothing without `traces_url`.

    Call it after a fork, as a thread sends the spans.

    Raises:
        ConfigurationError: the extra is missing, or the address or a header is none.
    """
    global _spans  # noqa: PLW0603 - of the process, as its log is
    if settings.traces_url is None:
        return None
    if _spans is None:
        try:
            from coinsphere.observability import spans, traced_drivers  # noqa: PLC0415  optional
        except ModuleNotFoundError as error:
            raise ConfigurationError(
                "COINSPHERE_TRACES_URL needs packages: pip install 'coinsphere[tracing]'."
            ) from error
        _spans = spans.build(settings, process)
        traced_drivers.watch(_spans)
    return _spans


def stop() -> None:
    """Send the last spans, for some seconds at most; a process that ends in order does so by itself."""
    if _spans is not None:
        _spans.stop()


def job(part: Part) -> AbstractContextManager[Part]:
    """A context traced as `part` of the request that caused it, or as a trace of its own without one."""
    return nullcontext(part) if _spans is None else _spans.after(requests.current(), part)


def continued(part: Part, header: str | None) -> AbstractContextManager[Part]:
    """A context traced as `part` below the span that `traceparent` names; untraced where that is."""
    if _spans is None or header is None:
        return nullcontext(part)
    return _spans.continued(header, part)


def header() -> str | None:
    """The `traceparent` to send to one of our servers; None outside of a sent trace."""
    return None if _spans is None else _spans.header()


def carried(function: Callable[P, Answer]) -> Callable[P, Answer]:
    """`function` for another thread, within the trace of the present one."""
    request_id, parent = requests.current(), header()

    def call(*arguments: P.args, **named: P.kwargs) -> Answer:
        with _request(request_id), _within(parent):
            return function(*arguments, **named)

    return call


@contextmanager
def _request(request_id: str) -> Iterator[None]:
    requests.bind(request_id)
    try:
        yield
    finally:
        requests.unbind()


def _within(parent: str | None) -> AbstractContextManager[object]:
    return nullcontext() if _spans is None or parent is None else _spans.within(parent)
