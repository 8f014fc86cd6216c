"""Traces of Dagster's runs and steps, made from the events that Dagster logs.

A run's id without its dashes is that of its trace, so a step in a process of its own goes on with it. An event of a step is
logged in the thread that does the step, before and after it: what it asks of PostgreSQL in between is below it.
"""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache, wraps
from typing import Any

import dagster as dg
from dagster._core.log_manager import (
    get_log_record_event,
    get_log_record_metadata,
    has_log_record_event,
)
from opentelemetry.trace import SpanKind

from coinsphere.observability.parts import Part
from coinsphere.observability.spans import Spans

_BEGINS = {
    dg.DagsterEventType.RUN_START,
    dg.DagsterEventType.STEP_START,
    dg.DagsterEventType.STEP_RESTARTED,
}
_FAILS = {
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.STEP_FAILURE,
    dg.DagsterEventType.STEP_UP_FOR_RETRY,
}
_ENDS = _FAILS | {
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_CANCELED,
    dg.DagsterEventType.STEP_SUCCESS,
}
_Key = tuple[str, str | None]


@cache  # Dagster may load the definitions more than once
def watch(spans: Spans) -> None:
    """Tell of the runs and steps of this process. Dagster's own setting for handlers is a preview, and for all processes."""
    instance: Any = dg.DagsterInstance
    plain = instance.get_handlers

    @wraps(plain)
    def get_handlers(self: dg.DagsterInstance) -> Sequence[logging.Handler]:
        return [*plain(self), _Handler(spans)]

    instance.get_handlers = get_handlers


class _Handler(logging.Handler):
    """Begins and ends parts of traces as runs and steps begin and end."""

    def __init__(self, spans: Spans) -> None:
        super().__init__()
        self._spans = spans
        self._open: dict[_Key, tuple[ExitStack, Part]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Look at an event of a run; a run never fails by this."""
        if not has_log_record_event(record):
            return
        try:
            self._take(get_log_record_event(record), str(get_log_record_metadata(record)["run_id"]))
        except Exception:  # noqa: BLE001 - see above
            self.handleError(record)

    def _take(self, event: dg.DagsterEvent, run_id: str) -> None:
        key = (run_id, event.step_key)
        if event.event_type in _BEGINS:
            self._begin(key, event.job_name)
        elif event.event_type in _ENDS and key in self._open:
            stack, part = self._open.pop(key)
            part.failed = event.event_type in _FAILS
            stack.close()

    def _begin(self, key: _Key, job: str) -> None:
        (run_id, step), stack = key, ExitStack()
        named = run_id.replace("-", "")
        part = Part(f"step {step}" if step else f"run {job}")
        part.attributes |= {"dagster.run.id": run_id, "dagster.job.name": job}
        begin = self._spans.after if step else self._spans.first
        stack.enter_context(begin(named, part, SpanKind.INTERNAL))
        self._open[key] = stack, part
