"""Errors of requests about a portfolio."""

from coinsphere.errors import CoinsphereError


class InvalidFact(CoinsphereError):
    """A transaction contradicts itself; `field` names the part, in snake case."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.reason = message


class UnbalancedEvent(CoinsphereError):
    """Postings of an event do not sum to zero for an asset: a fault of ours, nothing was stored."""


class UnreadableFile(CoinsphereError):
    """A file of transactions or rates is unusable as a whole; nothing of it was stored."""
