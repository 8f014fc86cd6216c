"""The parts of a trace, as plain data that needs no OpenTelemetry."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from coinsphere.errors import ConfigurationError
from coinsphere.settings import Settings

HEADER = "traceparent"
"""By which a server of ours is told whose trace it goes on with."""


@dataclass
class Part:
    """A part of a trace with its attributes; no value may be a secret or somebody's data."""

    name: str
    attributes: dict[str, str | int | float] = field(default_factory=dict)
    failed: bool = False


def headers_of(settings: Settings) -> Mapping[str, str]:
    """The headers that the collector requires.

    Raises:
        ConfigurationError: a part has no name or no value; it is not told, as it may be a key.
    """
    text = settings.traces_headers.get_secret_value() if settings.traces_headers else ""
    pairs = [part.strip().partition("=") for part in text.split(",") if part.strip()]
    if not all(name.strip() and value.strip() for name, _, value in pairs):
        raise ConfigurationError("COINSPHERE_TRACES_HEADERS must be name=value, name=value.")
    return {name.strip(): value.strip() for name, _, value in pairs}
