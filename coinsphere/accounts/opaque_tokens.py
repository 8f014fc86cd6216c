"""Opaque tokens for sessions and links: 256 random bits, of which only the SHA-256 is stored."""

import base64
import hashlib
import hmac
import secrets


def new() -> str:
    """A new token, fit for a link."""
    return secrets.token_urlsafe(32)


def salt() -> bytes:
    """Random bytes to derive one other token by."""
    return secrets.token_bytes(32)


def derived(salt: bytes, token: str) -> str:
    """Another token, as hard to guess for who lacks either `salt` or `token`."""
    made = hmac.digest(salt, token.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def digest(token: str) -> bytes:
    """What is stored of a token. No salt or stretching: so many random bits cannot be guessed."""
    return hashlib.sha256(token.encode()).digest()
