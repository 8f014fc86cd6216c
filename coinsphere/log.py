"""Structured logs: one JSON line an event on stderr, or readable lines on a terminal."""

import logging
import sys
from typing import Any

import structlog

_SECRETS = ("password", "secret", "token", "authorization", "api_key", "dsn")


def _redact(_: Any, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Mask values whose names say that they are secret."""
    for key in event:
        if any(word in key.lower() for word in _SECRETS) and isinstance(event[key], str):
            event[key] = "***"
    return event


def configure(level: str = "INFO") -> None:
    """Set up structlog for this process; standard-library loggers follow the same level."""
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=level.upper(), format="%(levelname)s %(name)s %(message)s")


def get(name: str) -> structlog.types.FilteringBoundLogger:
    """A logger whose lines carry `name`."""
    logger: structlog.types.FilteringBoundLogger = structlog.get_logger(component=name)
    return logger
