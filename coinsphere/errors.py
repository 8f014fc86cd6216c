"""The exceptions of the kernel, one family per boundary.

::

    CoinsphereError
    ├── ConfigurationError        a setting is missing, unknown or wrong
    ├── LocalServiceError         the local PostgreSQL, Redis or a process cannot run
    ├── DatabaseNotReady          the schema is missing or of another version
    ├── ImportRefused             a file of market data is unusable as a whole
    └── ProviderError             an outside source of data
        ├── RateLimited           asked too often; carries when to ask again
        ├── NotListed             the source does not know the token
        ├── OutsideWindow         the source's plan does not reach that far back
        ├── Unavailable           no answer, or a server fault
        └── BadPayload            an answer that makes no sense

The shell decides from the type alone: `RateLimited` and `Unavailable` may pass and are retried, the rest are not.
"""

from datetime import datetime


class CoinsphereError(Exception):
    """Base of all errors whose message is meant for a person."""


class ConfigurationError(CoinsphereError):
    """A setting is missing, unknown or wrong; the message names it and says what to do."""


class LocalServiceError(CoinsphereError):
    """A local server or process cannot run; the message says what to do."""


class DatabaseNotReady(CoinsphereError):
    """The database's schema is missing or of another version than the code."""


class ImportRefused(CoinsphereError):
    """A file of market data is unusable as a whole; nothing of it was stored."""


class ProviderError(CoinsphereError):
    """An outside source of market data failed; `source` names it."""

    def __init__(self, source: str, message: str) -> None:
        super().__init__(f"{source}: {message}")
        self.source = source


class RateLimited(ProviderError):
    """The source was asked too often; `retry_after` is in seconds, None where it did not say."""

    def __init__(self, source: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(source, message)
        self.retry_after = retry_after


class NotListed(ProviderError):
    """The source does not know the token."""


class OutsideWindow(ProviderError):
    """The source's plan does not reach that far back; `earliest` is the first instant that it serves."""

    def __init__(self, source: str, message: str, earliest: datetime | None = None) -> None:
        super().__init__(source, message)
        self.earliest = earliest


class Unavailable(ProviderError):
    """The source gave no answer, or a server fault."""


class BadPayload(ProviderError):
    """The source gave an answer that makes no sense; `payload` is its start, for the quarantine."""

    def __init__(self, source: str, message: str, payload: str = "") -> None:
        super().__init__(source, message)
        self.payload = payload[:10_000]
