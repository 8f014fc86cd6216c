"""Runs dbt and traces its nodes and statements below the step that started it: `coinsphere-dbt`.

dbt itself runs as ever, by its own command line; it tells its callbacks of everything in the thread that does it. Sources:
https://docs.getdbt.com/reference/programmatic-invocations, https://docs.getdbt.com/reference/events-logging.
"""

import threading
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any

from coinsphere.observability import traces
from coinsphere.observability.parts import HEADER, Part
from coinsphere.settings import Settings, environment, variable

if TYPE_CHECKING:
    from coinsphere.observability.spans import Spans

PROGRAM = "coinsphere-dbt"
_HEADER_VARIABLE = HEADER.upper()
_SETTINGS = ("traces_url", "traces_headers", "environment")
_FAILED = {"error", "fail", "runtime error", "partial success"}


def variables(settings: Settings, header: str) -> dict[str, str]:
    """The variables that this program needs beside dbt's own: where traces go, and the span that is its parent."""
    url, headers = settings.traces_url, settings.traces_headers
    values = {
        "traces_url": url and url.get_secret_value(),
        "traces_headers": headers and headers.get_secret_value(),
        "environment": settings.environment,
    }
    named = {variable(name): value for name, value in values.items() if value}
    return {_HEADER_VARIABLE: header, **named}


class Teller:
    """Turns dbt's events into spans below the one that `header` names."""

    def __init__(self, spans: "Spans", header: str) -> None:
        self._spans = spans
        self._header = header
        self._thread = threading.local()
        from opentelemetry.trace import SpanKind

        self._kinds = {"node": SpanKind.INTERNAL, "statement": SpanKind.CLIENT}

    def __call__(self, event: Any) -> None:
        """Look at an event. What broke here would break dbt's run, which matters more than what is told of it."""
        with suppress(Exception):
            self._take(event)

    def _take(self, event: Any) -> None:
        name = event.info.name
        if name == "NodeStart":
            self._begin_node(event.data.node_info)
        elif name == "SQLQuery":
            self._begin_statement(event.data.sql)
        elif name == "SQLQueryStatus":
            self._end("statement", failed=False)
        elif name == "NodeFinished":
            self._end("node", failed=event.data.run_result.status in _FAILED)

    def _begin_node(self, node: Any) -> None:
        self._begin("node", Part(f"dbt {node.resource_type} {node.node_name}"))

    def _begin_statement(self, sql: str) -> None:
        from coinsphere.observability.traced_drivers import described

        name, text = described(sql)
        part = Part(name, {"db.system.name": "postgresql", "db.query.text": text})
        self._begin("statement", part)

    def _begin(self, kind: str, part: Part) -> None:
        """Begin a node, or a statement; of the one before, which is still open, nobody told the end: it broke."""
        self._end(kind, failed=True)
        stack = ExitStack()
        if kind == "node" or self._open("node") is None:
            stack.enter_context(self._spans.within(self._header))
        stack.enter_context(self._spans.step(part, self._kinds[kind]))
        setattr(self._thread, kind, (stack, part))

    def _end(self, kind: str, *, failed: bool) -> None:
        if kind == "node":
            self._end("statement", failed=True)
        opened = self._open(kind)
        if opened is not None:
            stack, part = opened
            setattr(self._thread, kind, None)
            part.failed = failed
            stack.close()

    def _open(self, kind: str) -> tuple[ExitStack, Part] | None:
        opened: tuple[ExitStack, Part] | None = getattr(self._thread, kind, None)
        return opened


def main() -> None:
    """dbt, as its own command line runs it."""
    from dbt.cli.main import cli

    own_environment = environment(with_credentials=False)
    own = {
        variable(name): own_environment[variable(name)]
        for name in _SETTINGS
        if variable(name) in own_environment
    }
    spans, header = (
        traces.start(Settings.from_env(own), "dbt"),
        own_environment.get(_HEADER_VARIABLE),
    )
    cli(obj={"callbacks": [Teller(spans, header)] if spans and header else []})
