"""The exceptions of the kernel, one family per boundary.

::

    CoinsphereError
    ├── ConfigurationError        a setting is missing, unknown or wrong
    ├── LocalServiceError         the local PostgreSQL, Redis or a process cannot run
    ├── DatabaseNotReady          the schema is missing or of another version
    ├── BackupError               a backup cannot be made, read or restored
    ├── ImportRefused             a file of market data is unusable as a whole
    ├── SealError                 a sealed value cannot be opened
    │   ├── MalformedSeal         it is too short, or of an unknown version
    │   ├── UnknownKey            its key is not there
    │   └── SealBroken            it was altered, or sealed for another place
    ├── TokenRefused              an access token is not to be believed
    │   └── TokenExpired          it was good once
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


class BackupError(CoinsphereError):
    """A backup cannot be made, read or restored; the message says which and what to do."""


class UpgradeRefused(CoinsphereError):
    """A state cannot become this version's, and is as it was; the message says why."""


class LocalServiceError(CoinsphereError):
    """A local server or process cannot run; the message says what to do."""


class DatabaseNotReady(CoinsphereError):
    """The database's schema is missing or of another version than the code."""


class ImportRefused(CoinsphereError):
    """A file of market data is unusable as a whole; nothing of it was stored."""


class NoPicture(CoinsphereError):
    """An upload is no picture that is accepted."""


class SealError(CoinsphereError):
    """A sealed value cannot be opened."""


class MalformedSeal(SealError):
    """A sealed value is too short, or of a version that this code does not know."""


class UnknownKey(SealError):
    """The key that a sealed value needs is not in the folder of keys."""


class SealBroken(SealError):
    """A sealed value was altered, or sealed for another place."""


class TokenRefused(CoinsphereError):
    """An access token failed a check; the reason is for the log, never for the caller."""


class TokenExpired(TokenRefused):
    """An access token of ours has expired."""


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
    """The source gave no answer, or a server fault; `retry_after` as that of `RateLimited`."""

    def __init__(self, source: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(source, message)
        self.retry_after = retry_after


class BadPayload(ProviderError):
    """The source gave an answer that makes no sense; `payload` is its start, for the quarantine."""

    def __init__(self, source: str, message: str, payload: str = "") -> None:
        super().__init__(source, message)
        self.payload = payload[:10_000]
