"""Opaque tokens that let somebody in: 256 random bits, of which only the SHA-256 is kept."""

import hashlib
import secrets


def new() -> str:
    """A new token, fit for a link."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What is stored of a token. No salt or stretching: so many random bits cannot be guessed."""
    return hashlib.sha256(token.encode()).digest()
