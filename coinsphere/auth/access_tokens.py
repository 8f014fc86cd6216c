"""Checks access tokens (JWTs, RFC 9068) with the public halves of the keys that sign them."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from coinsphere.errors import CoinsphereError

ALGORITHM = "RS256"
MEDIA_TYPE = "at+jwt"
"""`typ` of an access token, so that no other token of ours passes for one."""

_REQUIRED = ["sub", "sid", "jti", "iat", "exp", "nbf", "iss", "aud"]


class TokenRefused(CoinsphereError):
    """An access token is missing, malformed, expired or not ours; which of it is nobody's business."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a token says, and no more than that: whether the session lives must be looked up."""

    session_id: UUID
    user_id: UUID


class Verifier:
    """Checks tokens with the keys in a folder; one that is added later is found when a token names it.

    Args:
        folder: holds `NUMBER-RS256.pem` files, which may appear later.
        issuer: `iss` that a token must have.
        audience: `aud` that a token must have.
    """

    def __init__(self, folder: Path, issuer: str, audience: str) -> None:
        self._folder = folder
        self._issuer = issuer
        self._audience = audience
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._files: frozenset[Path] = frozenset()

    def verify(self, token: str) -> AccessToken:
        """The checked claims of `token`.

        Raises:
            TokenRefused: it is not a valid access token of ours.
        """
        try:
            key = self._key(jwt.get_unverified_header(token))
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                options={"require": _REQUIRED},
            )
            return AccessToken(UUID(claims["sid"]), UUID(claims["sub"]))
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError) as error:
            raise TokenRefused("a valid access token is needed") from error

    def _key(self, header: Mapping[str, Any]) -> RSAPublicKey:
        """The key that the header names, if the header fits it; `jku`, `jwk` and `x5u` are never looked at."""
        kid = header.get("kid")
        if header.get("typ") != MEDIA_TYPE or not isinstance(kid, str):
            raise jwt.InvalidTokenError("wrong type")
        if kid not in self._keys:
            self._reload()
        if kid not in self._keys:
            raise jwt.InvalidTokenError("unknown key")
        return self._keys[kid]

    def _reload(self) -> None:
        """Read the folder again where its files are others than before: unknown ids must cost no parsing."""
        files = frozenset(self._folder.glob(f"*-{ALGORITHM}.pem"))
        if files != self._files:
            keys = [_public_key(path) for path in files]
            self._keys, self._files = {thumbprint(key): key for key in keys}, files


def thumbprint(key: RSAPublicKey) -> str:
    """The key's id: its RFC 7638 thumbprint."""
    numbers = key.public_numbers()
    members = {"e": _base64url(numbers.e), "kty": "RSA", "n": _base64url(numbers.n)}
    digest = hashlib.sha256(msgspec.json.encode(members)).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _public_key(path: Path) -> RSAPublicKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"{path.name} is no RSA key")
    return key.public_key()


def _base64url(number: int) -> str:
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
