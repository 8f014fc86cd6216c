"""Structured logs: one JSON line an event on stderr, or readable lines on a terminal; never a secret.

Libraries that log through the standard library come out in the same form. What looks like a secret is masked, by the
name it stands under and by its own shape, however deep it lies and in the text of exceptions too.
"""

import logging
import re
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

import structlog

MASK = "***"
_DEEPEST = 8

_SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|secret|authorization|cookie|api_?key|private_?key|credential|mnemonic"
    r"|recovery_?codes?|backup_?codes?|(^|_)(token|jwt|dsn|otp|totp)$",
    re.IGNORECASE,
)
_SECRET_TEXTS = (
    # Key files
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    # JSON Web Tokens
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"), MASK),
    # Our API keys, webhook secrets, AWS key ids
    (re.compile(r"\b(cs_(live|test)_|whsec_|AKIA|ASIA)[\w+/=-]{8,}"), MASK),
    # Headers
    (re.compile(r"\b(bearer|basic|dpop)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    # postgresql://user:password@host
    (re.compile(r"(\b[a-z][\w+.-]*://[^\s:/@]*):[^\s/]+@", re.IGNORECASE), rf"\1:{MASK}@"),
    # password=…, "secret": "…", ?token=…
    (
        re.compile(
            r"((?:passw(?:or)?d|passphrase|secret|api[_-]?key|private[_-]?key|(?:access|refresh|reset)[_-]?token|[?&](?:token|code))"
            r"[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;})]+",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
)  # fmt: skip
_HINTS = (*"=:", "-----", "eyj", "cs_", "whsec_", "akia", "asia", "bearer", "basic", "dpop")
"""What every text of a secret's shape holds, in lower case. Most texts hold none, and each is found ten times as fast as by a pattern."""
_PLAIN = frozenset((str, int, float, bool, type(None)))
_FAULTS = ("error", "exception", "critical")
_told: Callable[[Mapping[str, Any]], object] | None = None
_SHORTEST = 7
"""Characters of the shortest text of such a shape: `?code=1`."""


@lru_cache(maxsize=1_000)
def is_secret_name(name: str) -> bool:
    """Whether a value called `name` is a secret: `password`, `api_key`, but not `token_id`."""
    return _SECRET_NAME.search(name.replace("-", "_")) is not None


def redact_text(text: str) -> str:
    """`text` with everything masked that has the shape of a secret."""
    if len(text) < _SHORTEST:
        return text
    if _has_no_secret(text):
        return text
    for pattern, replacement in _SECRET_TEXTS:
        text = pattern.sub(replacement, text)
    return text


def _has_no_secret(text: str) -> bool:
    """Whether a quick look shows that no pattern would match."""
    # Beyond ASCII a pattern takes more than one letter for the same.
    return text.isascii() and not any(map(text.lower().__contains__, _HINTS))


def printable(text: str) -> str:
    """`text` on one line and without control characters: CR, LF, ESC and bidirectional marks are written as escapes."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape", "surrogatepass").decode()
        for each in text
    )


def redact(value: object, depth: int = _DEEPEST) -> object:
    """`value` with its secrets masked; a value that is no plain type becomes text."""
    # Most values are plain texts or numbers: one look at the type, as each request's line is made of them.
    if type(value) is str:
        return redact_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _redact_parts(value, depth - 1) if depth else MASK
    return redact_text(_as_text(value))


def configure(level: str = "INFO") -> None:
    """Set up structlog for this process; loggers of the standard library follow the same level and form."""
    _use(
        level,
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    *shared, last = _processors()
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_component, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler])
    # By default a line that cannot be written is told of where it cannot be written.
    logging.raiseExceptions = False
    # It writes whole addresses, in which the keys of nodes and of other providers stand.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    # So does this one, of each try that is followed by another; whoever asked says how it ended.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    logging.getLogger("psycopg").addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Not that a pipeline could not end either after what broke it: that is raised, and says why."""
    return not str(record.msg).startswith("error ignored terminating")


def adopt(*names: str) -> None:
    """Route loggers of libraries that install handlers of their own through ours: same form, same masking, same listeners."""
    for name in names:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True


def tell_faults(to: Callable[[Mapping[str, Any]], object] | None) -> None:
    """Pass every error event with an exception to `to` before it is written; None ends that.

    What `to` raises is dropped: nothing fails because it cannot be told. It has to mask what is secret by itself.
    """
    global _told  # noqa: PLW0603 - of the process, as the configuration of structlog is
    _told = to


def get(name: str) -> structlog.types.FilteringBoundLogger:
    """A logger whose lines carry `name`."""
    logger: structlog.types.FilteringBoundLogger = structlog.get_logger(component=name)
    return logger


def _use(level: str, **options: Any) -> None:
    structlog.configure(
        processors=_processors(),
        wrapper_class=_unfailing(logging.getLevelNamesMapping()[level.upper()]),
        **options,
    )


def _processors() -> list[structlog.types.Processor]:
    """What is done to an event, one after the other; the last makes the line."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        _tell,
        structlog.processors.format_exc_info,
        _redact_event,
        # What these two add is no secret.
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if sys.stderr.isatty():
        return [*shared, _one_line, structlog.dev.ConsoleRenderer()]
    return [*shared, structlog.processors.JSONRenderer()]


def _unfailing(level: int) -> type[structlog.types.FilteringBoundLogger]:
    """A logger from `level` on that drops a line which cannot be made or written: a broken pipe, a full disk.

    What is told of was often committed before: an error here would tell the caller that nothing was done.
    """
    plain: Any = structlog.make_filtering_bound_logger(level)

    class Unfailing(plain):  # type: ignore[misc]  # a class that structlog makes
        def _proxy_to_logger(self, *arguments: Any, **values: Any) -> Any:
            with suppress(Exception):
                return super()._proxy_to_logger(*arguments, **values)

    return Unfailing


def _redact_parts(
    value: Mapping[Any, object] | Collection[object], depth: int
) -> dict[str, object] | list[object]:
    if isinstance(value, Mapping):
        return {str(name): _redact_named(str(name), part, depth) for name, part in value.items()}
    return [redact(part, depth) for part in value]


def _as_text(value: object) -> str:
    if isinstance(value, str | BaseException):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode(errors="backslashreplace")
    return repr(value)


def _redact_named(name: str, value: object, depth: int = _DEEPEST) -> object:
    if is_secret_name(name) and value is not None and not isinstance(value, bool):
        return MASK
    return redact(value, depth)


def _redact_event(_: Any, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Mask what is secret in an event, as the last step before it is written."""
    if _is_harmless(event):
        return event
    return {
        name: value if name.startswith("_") else _redact_named(name, value)
        for name, value in event.items()
    }


def _is_harmless(event: structlog.types.EventDict) -> bool:
    """Whether one look at all of a line finds nothing to mask, as it does for most requests' lines."""
    values = event.values()
    are_plain = _PLAIN.issuperset(map(type, values)) and not any(map(is_secret_name, event))
    return are_plain and _has_no_secret(" ".join(map(str, values)))


def _tell(_: Any, name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Hand an exception on; a library's line names its level in its record."""
    record = event.get("_record")
    level = record.levelname.lower() if record else name
    if _told is not None and event.get("exc_info") and level in _FAULTS:
        with suppress(Exception):
            _told(event)
    return event


def _one_line(_: Any, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """On a terminal nothing but a stack may begin a new line or move the cursor; JSON escapes by itself."""
    return {
        name: printable(value) if isinstance(value, str) and name != "exception" else value
        for name, value in event.items()
    }


def _component(logger: Any, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Name a library's line by its logger."""
    record = event.get("_record")
    event["component"] = record.name if record else logger.name
    return event


def _to_stderr(*_: object) -> structlog.PrintLogger:
    """To what stands there now: it may have been put in the place of another since."""
    return structlog.PrintLogger(sys.stderr)


# A command does not configure: what it prints on stdout is its result, and its log holds no secret either.
_use("INFO", logger_factory=_to_stderr)
