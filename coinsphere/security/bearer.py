"""Bearer credentials in an `Authorization` header, read in one way by everything that listens."""

SCHEME = "bearer"


def credentials(header: str) -> str | None:
    """What follows the scheme `Bearer`, in any case (RFC 9110 11.1); None where another scheme or nothing is given."""
    scheme, _, given = header.strip().partition(" ")
    return given.strip() or None if scheme.lower() == SCHEME else None
