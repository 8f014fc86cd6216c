"""Verifies ID tokens by the checks of OpenID Connect Core 1.0 (3.1.3.7) and RFC 8725."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt

from coinsphere.errors import TokenRefused

ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)
"""Signatures by keys of which the other half is secret; never `none`, nor one that our own secret would verify."""
TENANT = "{tenantid}"
"""What Microsoft's description of all tenants has for the one that a token names in `tid`."""
MOST_CHARACTERS = 16_384
SKEW = timedelta(seconds=60)
_LONGEST_LIFE = timedelta(days=1)
_MOST_SUBJECT = 255

_jwt = jwt.PyJWT(
    options={
        "enforce_minimum_key_length": True,
        "require": ["iss", "sub", "aud", "exp", "iat", "nonce"],
        # PyJWT reads the clock itself; ours is an argument, see `_require_in_time`.
        "verify_exp": False,
        "verify_nbf": False,
        "verify_iat": False,
    }
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is at a provider; `email` only where the provider says that it has confirmed it."""

    issuer: str
    subject: str
    email: str | None


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token must say to be for us and of this login."""

    issuer: str
    client_id: str
    nonce: str


def key_id(token: str) -> str | None:
    """The id of the key that signed a token, read before the signature is checked.

    Raises:
        TokenRefused: it is no token, or signed in a way that is not believed.
    """
    if len(token) > MOST_CHARACTERS:
        raise TokenRefused("the ID token is too long")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise TokenRefused(f"the ID token cannot be read: {error}") from None
    if header.get("alg") not in ALGORITHMS:
        raise TokenRefused("the ID token is signed in a way that is not believed")
    named = header.get("kid")
    return named if isinstance(named, str) else None


def verify(token: str, key: jwt.PyJWK, expected: Expected, now: datetime) -> Mapping[str, Any]:
    """The claims of an ID token.

    Raises:
        TokenRefused: says which check it failed.
    """
    try:
        claims = _jwt.decode(
            token,
            key,
            algorithms=list(ALGORITHMS),
            audience=expected.client_id,
        )
    except jwt.PyJWTError as error:
        raise TokenRefused(f"the ID token is refused: {error}") from None
    if claims["iss"] != expected.issuer.replace(TENANT, str(claims.get("tid"))):
        raise TokenRefused("the ID token is of another issuer")
    _require_in_time(claims, now)
    _require_ours(claims, expected)
    return claims


def identity(claims: Mapping[str, Any]) -> Identity:
    """Who the claims say somebody is. Raises `TokenRefused` where the subject is none."""
    subject, email = claims.get("sub"), claims.get("email")
    if (
        not isinstance(subject, str)
        or not 0 < len(subject) <= _MOST_SUBJECT
        or not subject.isascii()
    ):
        raise TokenRefused("the subject is none")
    # Some providers write the truth as a text.
    is_confirmed = claims.get("email_verified") in (True, "true")
    return Identity(
        claims["iss"], subject, email if is_confirmed and isinstance(email, str) else None
    )


def _require_in_time(claims: Mapping[str, Any], now: datetime) -> None:
    issued, expires = _instant(claims, "iat"), _instant(claims, "exp")
    begins = _instant(claims, "nbf") if "nbf" in claims else issued
    present, skew = now.timestamp(), SKEW.total_seconds()
    if expires + skew <= present:
        raise TokenRefused("the ID token has expired")
    if max(issued, begins) > present + skew:
        raise TokenRefused("the ID token is not good yet")
    if present - issued > _LONGEST_LIFE.total_seconds():
        raise TokenRefused("the ID token is too old")


def _instant(claims: Mapping[str, Any], name: str) -> float:
    at = claims[name]
    if isinstance(at, bool) or not isinstance(at, int | float):
        raise TokenRefused(f"{name} of the ID token is no time")
    return float(at)


def _require_ours(claims: Mapping[str, Any], expected: Expected) -> None:
    nonce = claims["nonce"]
    if not isinstance(nonce, str) or not hmac.compare_digest(
        nonce.encode(), expected.nonce.encode()
    ):
        raise TokenRefused("the ID token is of another login")
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    party = claims.get("azp")
    if (len(audiences) > 1 and party is None) or party not in (None, expected.client_id):
        raise TokenRefused("the ID token was made for another program")
