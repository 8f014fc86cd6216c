"""Access tokens (RFC 9068): signed by our keys, and verified by every check of RFC 8725."""

import base64
import binascii
import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any
from uuid import UUID, uuid4

import jwt

from coinsphere.errors import TokenExpired, TokenRefused
from coinsphere.parsing import untrusted_json
from coinsphere.security.signing.keyrings import Keyring
from coinsphere.security.signing.keys import LONGEST_TOKEN, SKEW, SigningKey

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
        # PyJWT reads the clock itself; ours is an argument, see `_in_time`.
        "verify_exp": False,
        "verify_nbf": False,
        "verify_iat": False,
    }
)


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of an access token: user and session. Rights are looked up on each request."""

    user_id: UUID
    session_id: UUID
    token_id: str
    issued_at: datetime
    not_before: datetime
    expires_at: datetime


class Verifier:
    """Verifies access tokens and caches good ones; their key and their times are checked each time.

    A token that is remembered is refused like any other once its key is revoked, expired or replaced by another reading
    of the keyring, and once its own time is over. Only SHA-256 digests are kept, of so many tokens.

    Args:
        keyring: the keys.
        issuer: whom tokens must name as theirs.
        audience: whom they must be for.
        most: tokens to remember; the one remembered first goes first.
    """

    def __init__(self, keyring: Keyring, issuer: str, audience: str, most: int = 10_000) -> None:
        self._keyring, self._issuer, self._audience = keyring, issuer, audience
        self._most = most
        self._known: OrderedDict[bytes, tuple[SigningKey, Claims]] = OrderedDict()
        self._lock = Lock()

    def verify(self, token: str, now: datetime) -> Claims:
        """The claims of an access token of ours; see `verify_access_token` for errors."""
        digest = hashlib.sha256(token.encode(errors="surrogatepass")).digest()
        known = self._known.get(digest)
        if known is not None and self._is_still(known[0], now):
            return _in_time(known[1], now)
        key, claims = _verified(token, self._keyring, self._issuer, self._audience, now)
        with self._lock:
            self._known[digest] = key, claims
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return claims

    def _is_still(self, key: SigningKey, now: datetime) -> bool:
        """Whether the keyring gives that very key now, with the times that it had."""
        try:
            return self._keyring.find(key.kid, now) is key
        except LookupError:
            return False


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
    """A new access token of a session, valid from `now` for `life`."""
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
    return _verified(token, keyring, issuer, audience, now)[1]


def _verified(
    token: str, keyring: Keyring, issuer: str, audience: str, now: datetime
) -> tuple[SigningKey, Claims]:
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
    issued_at, not_before, expires_at = _dates(claims)
    if not key.may_have_signed(issued_at):
        raise TokenRefused("its key did not sign at that time")
    user_id, session_id = _ids(claims)
    verified = Claims(user_id, session_id, str(claims["jti"]), issued_at, not_before, expires_at)
    return key, _in_time(verified, now)


def _ids(claims: Mapping[str, Any]) -> tuple[UUID, UUID]:
    """The user and the session of a token."""
    try:
        return UUID(claims["sub"]), UUID(claims["sid"])
    except (ValueError, TypeError, AttributeError) as error:
        raise TokenRefused("sub and sid are no ids") from error


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
        value = untrusted_json.decode(raw, _members)
    except (binascii.Error, ValueError) as error:
        raise TokenRefused("no JSON") from error
    if not isinstance(value, dict):
        raise TokenRefused("no JSON object")
    return value


def _dates(claims: dict[str, Any]) -> tuple[datetime, datetime, datetime]:
    """When it was issued, from when and until when it is good: whole seconds, a life no longer than any of ours."""
    if not all(type(claims[name]) is int and 0 <= claims[name] <= _LAST_SECOND for name in _DATES):
        raise TokenRefused("dates are whole seconds")
    issued_at, not_before, expires_at = (
        datetime.fromtimestamp(claims[name], UTC) for name in _DATES
    )
    if not issued_at < expires_at <= issued_at + LONGEST_TOKEN:
        raise TokenRefused("lives too long")
    return issued_at, not_before, expires_at


def _in_time(claims: Claims, now: datetime) -> Claims:
    """The claims, if they are good at `now`."""
    if max(claims.issued_at, claims.not_before) > now + SKEW:
        raise TokenRefused("not valid yet")
    if claims.expires_at <= now - SKEW:
        raise TokenExpired("its time is over")
    return claims
