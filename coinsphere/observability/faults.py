"""Reports unexpected errors of every process to a Sentry server, as they are logged.

Nothing is watched beside the log: no variables of a stack, no requests, no breadcrumbs. What is sent is masked as the log is,
and loses addresses of mail and the rows that PostgreSQL quotes. Source: https://develop.sentry.dev/sdk/ (envelopes, scrubbing).
"""

import re
import sys
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from coinsphere import log
from coinsphere.errors import ConfigurationError
from coinsphere.settings import Settings

_MAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
# PostgreSQL quotes the row that it refuses: somebody's data.
_ROW = re.compile(r"^(DETAIL|CONTEXT|LINE \d+):.*", re.MULTILINE | re.DOTALL)
_KEPT = ("request_id", "trace_id", "job_id", "component", "kind")
"""Of an event, beside its name and its exception."""
_DEEPEST = 16
"""Levels of an event of Sentry: a frame of a stack lies seven deep."""


def start(settings: Settings, process: str) -> None:
    """Report errors that this process logs with an exception; does nothing without `sentry_dsn`. Call it after a fork.

    Raises:
        ConfigurationError: the extra is missing, or the address is none.
    """
    if settings.sentry_dsn is None:
        return
    try:
        import sentry_sdk  # noqa: PLC0415  optional
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            "COINSPHERE_SENTRY_DSN needs packages: pip install 'coinsphere[sentry]'."
        ) from error
    try:
        _initialise(sentry_sdk, settings.sentry_dsn.get_secret_value(), settings, process)
    except ValueError as error:  # which may quote the key
        raise ConfigurationError("COINSPHERE_SENTRY_DSN is no address of Sentry.") from error
    log.tell_faults(lambda event: _tell(sentry_sdk, process, event))


def _initialise(sentry: Any, dsn: str, settings: Settings, process: str) -> None:
    from sentry_sdk.integrations.atexit import AtexitIntegration  # noqa: PLC0415  optional

    sentry.init(
        dsn=dsn,
        release=version("coinsphere"),
        environment=settings.environment,
        server_name=process,
        default_integrations=False,
        auto_enabling_integrations=False,
        # What ended a process is told in the two seconds that it has left; nobody reads that on a terminal.
        integrations=[AtexitIntegration(callback=lambda _pending, _timeout: None)],
        include_local_variables=False,
        include_source_context=False,
        max_breadcrumbs=0,
        before_send=scrubbed,
    )


def scrubbed(event: Any, _hint: object = None) -> Any:
    """A Sentry event without what must not leave the machine."""
    return _without_people(log.redact(event, _DEEPEST))


def _tell(sentry: Any, process: str, event: Mapping[str, Any]) -> None:
    exc_info = event["exc_info"]
    error = exc_info if isinstance(exc_info, BaseException) else _raised(exc_info)
    with sentry.new_scope() as scope:
        scope.set_tag("process", process)
        scope.set_tag("event", str(event.get("event", ""))[:200])
        for name in _KEPT:
            if name in event:
                scope.set_tag(name, str(event[name]))
        sentry.capture_exception(error)


def _raised(exc_info: object) -> BaseException | None:
    return exc_info[1] if isinstance(exc_info, tuple) else sys.exc_info()[1]


def _without_people(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_people(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_people(part) for part in value]
    return _MAIL.sub(log.MASK, _ROW.sub("", value)) if isinstance(value, str) else value
