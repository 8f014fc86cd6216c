"""How long the certificate that people's browsers are shown is still good, as nobody looks at it until it is not."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from cryptography import x509

from coinsphere.clock import Clock

_PATIENCE_SECONDS = 2.0
_READ_EACH = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """From when until when it is good."""

    begins_at: datetime
    ends_at: datetime

    @property
    def life(self) -> timedelta:
        """All of the time for which it is good."""
        return self.ends_at - self.begins_at


def read(url: str) -> Certificate | None:
    """What the server of an address shows, good or not; None where it does not speak TLS, or cannot be asked from here."""
    try:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            return None
        # Not verified: one that is past its end has to be read, too.
        pem = ssl.get_server_certificate(
            (parts.hostname, parts.port or 443), timeout=_PATIENCE_SECONDS
        )
        shown = x509.load_pem_x509_certificate(pem.encode())
    except (OSError, ValueError):
        return None
    return Certificate(shown.not_valid_before_utc, shown.not_valid_after_utc)


def kept(url: str, clock: Clock) -> Callable[[], Certificate | None]:
    """`read`, once an hour at most: it changes each few weeks, and a server may let one wait."""
    asked_at: datetime | None = None
    known: Certificate | None = None

    def current() -> Certificate | None:
        nonlocal asked_at, known
        now = clock()
        if asked_at is None or now - asked_at >= _READ_EACH:
            asked_at, known = now, read(url)
        return known

    return current
