"""Access tokens: JWTs by Flask-JWT-Extended, signed and checked with our keys only."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import jwt
from flask import Flask, Response, g
from flask_jwt_extended import JWTManager, create_access_token, get_jwt, verify_jwt_in_request
from flask_jwt_extended.exceptions import JWTExtendedException

from coinsphere.settings import Settings
from webapi import errors
from webapi.security.keys import Keyring

MEDIA_TYPE = "at+jwt"
"""`typ` of an access token (RFC 9068), so that no other token of ours passes for one."""

_REQUIRED = ("sub", "sid", "jti", "iat", "exp", "nbf")


def register(app: Flask, settings: Settings, keyring: Keyring) -> None:
    """Set up Flask-JWT-Extended; every refusal becomes 401 in our shape."""
    app.config.update(
        JWT_ALGORITHM=keyring.signing.algorithm,
        JWT_DECODE_ALGORITHMS=sorted({key.algorithm for key in keyring.keys}),
        JWT_PRIVATE_KEY=keyring.signing.private,
        JWT_PUBLIC_KEY=keyring.signing.public,
        JWT_TOKEN_LOCATION=["headers"],
        JWT_COOKIE_CSRF_PROTECT=False,  # no cookies, so tokens need no claim against their abuse
        JWT_ACCESS_TOKEN_EXPIRES=timedelta(seconds=settings.access_token_seconds),
        JWT_ENCODE_ISSUER=settings.jwt_issuer,
        JWT_DECODE_ISSUER=settings.jwt_issuer,
        JWT_ENCODE_AUDIENCE=settings.jwt_audience,
        JWT_DECODE_AUDIENCE=settings.jwt_audience,
    )
    manager = JWTManager(app)
    manager.decode_key_loader(lambda header, _: _verification_key(keyring, header))
    manager.token_verification_loader(lambda _, claims: all(name in claims for name in _REQUIRED))
    for loader in (manager.unauthorized_loader, manager.invalid_token_loader):
        loader(_refused)
    for loader in (
        manager.expired_token_loader,
        manager.revoked_token_loader,
        manager.needs_fresh_token_loader,
        manager.token_verification_failed_loader,
        manager.user_lookup_error_loader,
    ):
        loader(lambda _header, _claims: _refused(""))


def issue(keyring: Keyring, user_id: UUID, session_id: UUID) -> str:
    """A new access token. It says who, never what is allowed: roles are looked up on each request."""
    token: str = create_access_token(
        identity=str(user_id),
        additional_claims={"sid": str(session_id)},
        additional_headers={"typ": MEDIA_TYPE, "kid": keyring.signing.kid},
    )
    return token


def presented_session() -> UUID:
    """The session named by the request's access token, whose signature and claims are checked.

    Raises:
        jwt.InvalidTokenError, flask_jwt_extended.exceptions.JWTExtendedException: the token is missing or refused;
            the app answers 401.
    """
    if "session_id" not in g:
        verify_jwt_in_request()
        try:
            g.session_id = UUID(get_jwt()["sid"])
        except (ValueError, TypeError, AttributeError) as error:
            raise jwt.InvalidTokenError("malformed sid") from error
    return cast("UUID", g.session_id)


def presented_user() -> str | None:
    """The user named by the request's access token; None if it has none that was signed by us and is in date.

    Whether the session still lives is not asked: this is for counting requests, not for letting them in.
    """
    try:
        presented_session()
    except (jwt.PyJWTError, JWTExtendedException):
        return None
    return str(get_jwt()["sub"])


def unauthorized(why: str = "a valid access token is needed") -> errors.Problem:
    """401 in the words that clients look for."""
    return errors.Problem(401, f"unauthorized: {why}")


def _verification_key(keyring: Keyring, header: Mapping[str, Any]) -> Any:
    """The key that the header names, if the header fits it; `jku`, `jwk` and `x5u` are never looked at."""
    try:
        key = keyring.find(header.get("kid"))
    except LookupError as error:
        raise jwt.InvalidTokenError("unknown key") from error
    if header.get("alg") != key.algorithm or header.get("typ") != MEDIA_TYPE:
        raise jwt.InvalidTokenError("wrong algorithm or type")
    return key.public


def _refused(_: str) -> Response:
    # Which check failed is nobody's business.
    return errors.response(unauthorized())
