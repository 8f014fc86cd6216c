"""Which request set off what is done now: its id stands in every line of the log, in whatever process it is written.

The API makes the id. It travels to the worker in the row of a job, and to other servers in the header `X-Request-ID`.
"""

import re

import structlog

HEADER = "X-Request-ID"
_KEY = "request_id"
_SHAPE = re.compile(r"[0-9a-f]{32}")


def bind(request_id: str | None) -> None:
    """Let the lines of the present thread or task carry the id; what has not its shape is nobody's."""
    if request_id is not None and _SHAPE.fullmatch(request_id):
        structlog.contextvars.bind_contextvars(**{_KEY: request_id})


def unbind() -> None:
    """Let them carry none."""
    structlog.contextvars.unbind_contextvars(_KEY)


def current() -> str:
    """The id; empty where no request is behind what is done."""
    return str(structlog.contextvars.get_contextvars().get(_KEY, ""))
