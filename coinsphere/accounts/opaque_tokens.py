"""Opaque tokens for sessions and links: 256 random bits, of which only the SHA-256 is stored."""

import base64
import hashlib
import hmac
import secrets


def new() -> str:
    """A new token, fit for a link."""
    return secrets.token_urlsafe(32)


def salt() -> bytes:
    """Random bytes from which `derived` makes another token of a token."""
    return secrets.token_bytes(32)


def derived(salt: bytes, token: str) -> str:
    """A token computed from `token` and `salt`; who lacks either of them cannot guess it."""
    mac = hmac.digest(salt, token.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def digest(token: str) -> bytes:
    """The SHA-256 that is stored of a token. It needs no salt or stretching: so many random bits cannot be guessed."""
    return hashlib.sha256(token.encode()).digest()
