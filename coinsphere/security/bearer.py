"""Reads Bearer credentials from an `Authorization` header, the same way in every server."""

SCHEME = "bearer"


def credentials(header: str) -> str | None:
    """The credentials after the scheme `Bearer`, in any case (RFC 9110 11.1); None for another scheme or no header."""
    scheme, _, token = header.strip().partition(" ")
    return token.strip() or None if scheme.lower() == SCHEME else None
