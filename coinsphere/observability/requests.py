"""The id of the request that caused the present work; every line of the log carries it, in whatever process.

The API makes the id. It travels to the worker in the row of a job, and to other servers in the header `X-Request-ID`.
"""

import re

import structlog

HEADER = "X-Request-ID"
_KEY = "request_id"
_SHAPE = re.compile(r"[0-9a-f]{32}")


def bind(request_id: str | None) -> None:
    """Set the id for the log lines of the present thread or task; an id of another form is ignored."""
    if request_id is not None and _SHAPE.fullmatch(request_id):
        structlog.contextvars.bind_contextvars(**{_KEY: request_id})


def unbind() -> None:
    """Remove the id."""
    structlog.contextvars.unbind_contextvars(_KEY)


def current() -> str:
    """The id; empty where no request caused the work."""
    return str(structlog.contextvars.get_contextvars().get(_KEY, ""))
