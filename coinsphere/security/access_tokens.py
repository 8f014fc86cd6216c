"""Access tokens (RFC 9068, checked as RFC 8725 asks): signed by our keys, believed after every check here."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import jwt

from coinsphere import untrusted_json
from coinsphere.errors import TokenExpired, TokenRefused
from coinsphere.security.signing_keys import LONGEST_TOKEN, SKEW, Keyring

MEDIA_TYPE = "at+jwt"
"""`typ` of an access token, so that no other token of ours passes for one."""
MOST_CHARACTERS = 4096

_HEADER = {"alg", "kid", "typ"}
_DATES = ("iat", "nbf", "exp")
_LAST_SECOND = 253_402_300_799
"""The end of the year 9999; no date of Python lies after it."""

_members = partial(json.loads, object_pairs_hook=untrusted_json.unique)
_jwt = jwt.PyJWT(
    options={
        "enforce_minimum_key_length": True,
        "require": ["iss", "aud", "sub", "sid", "jti", *_DATES],
        "strict_aud": True,
        # PyJWT reads the clock itself; ours is an argument, see `_check_dates`.
        "verify_exp": False,
        "verify_nbf": False,
        "verify_iat": False,
    }
)


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says: who and which session. What is allowed is looked up on each request."""

    user_id: UUID
    session_id: UUID
    token_id: str
    issued_at: datetime
    expires_at: datetime


def sign_access_token(
    keyring: Keyring,
    user_id: UUID,
    session_id: UUID,
    *,
    issuer: str,
    audience: str,
    now: datetime,
    life: timedelta,
) -> str:
    """A new access token of a session, good from `now` for `life`."""
    key = keyring.signing(now)
    issued = int(now.timestamp())
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": str(user_id),
        "sid": str(session_id),
        "jti": str(uuid4()),
        "iat": issued,
        "nbf": issued,
        "exp": issued + int(life.total_seconds()),
    }
    headers = {"typ": MEDIA_TYPE, "kid": key.kid}
    return _jwt.encode(claims, key.private, algorithm=key.algorithm, headers=headers)


def verify_access_token(
    token: str, keyring: Keyring, issuer: str, audience: str, now: datetime
) -> Claims:
    """The claims of an access token of ours.

    Whether its session still lives is not asked here.

    Raises:
        TokenExpired: it was good once.
        TokenRefused: anything else is wrong with it.
    """
    header = _header(token)
    try:
        key = keyring.find(header["kid"], now)
    except LookupError as error:
        raise TokenRefused("unknown key") from error
    if header["alg"] != key.algorithm:
        raise TokenRefused("not the algorithm of its key")
    try:
        claims = _jwt.decode(
            token, key.public, algorithms=[key.algorithm], issuer=issuer, audience=audience
        )
    except jwt.PyJWTError as error:
        raise TokenRefused(str(error)) from error
    _json_object(token.split(".")[1])
    issued_at, expires_at = _check_dates(claims, now)
    if not key.may_have_signed(issued_at):
        raise TokenRefused("its key did not sign at that time")
    try:
        user_id, session_id = UUID(claims["sub"]), UUID(claims["sid"])
    except (ValueError, TypeError, AttributeError) as error:
        raise TokenRefused("sub and sid are no ids") from error
    return Claims(user_id, session_id, str(claims["jti"]), issued_at, expires_at)


def _header(token: str) -> dict[str, Any]:
    """The header with exactly the members that ours has: `crit`, `jku`, `jwk`, `x5u` and the like are refused."""
    parts = token.split(".") if len(token) <= MOST_CHARACTERS else []
    if len(parts) != 3:  # noqa: PLR2004  header, claims, signature
        raise TokenRefused("no compact JWS")
    header = _json_object(parts[0])
    if set(header) != _HEADER or not all(isinstance(value, str) for value in header.values()):
        raise TokenRefused("not our header")
    if header["typ"] != MEDIA_TYPE:
        raise TokenRefused("no access token")
    return header


def _json_object(part: str) -> dict[str, Any]:
    """A part of a token as JSON, in which no member stands twice: two readers might take two different ones."""
    try:
        padded = part + "=" * (-len(part) % 4)
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        found = untrusted_json.decode(raw, _members)
    except (binascii.Error, ValueError) as error:
        raise TokenRefused("no JSON") from error
    if not isinstance(found, dict):
        raise TokenRefused("no JSON object")
    return found


def _check_dates(claims: dict[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """When the token was issued and when it ends, both believable at `now`."""
    if not all(type(claims[name]) is int and 0 <= claims[name] <= _LAST_SECOND for name in _DATES):
        raise TokenRefused("dates are whole seconds")
    issued_at, not_before, expires_at = (
        datetime.fromtimestamp(claims[name], UTC) for name in _DATES
    )
    if max(issued_at, not_before) > now + SKEW:
        raise TokenRefused("not valid yet")
    if not issued_at < expires_at <= issued_at + LONGEST_TOKEN:
        raise TokenRefused("lives too long")
    if expires_at <= now - SKEW:
        raise TokenExpired("its time is over")
    return issued_at, expires_at
