"""Access tokens: created and opened by Flask-JWT-Extended, signed and verified by the kernel with our keys."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import jwt
from flask import Flask, Response, g, request
from flask_jwt_extended import JWTManager, create_access_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException, NoAuthorizationError

from coinsphere.clock import Clock
from coinsphere.errors import TokenRefused
from coinsphere.security import bearer
from coinsphere.security.access_tokens import Verifier, sign_access_token
from coinsphere.security.signing.keyrings import Keyring
from coinsphere.settings import Settings
from webapi.http import errors


@dataclass(frozen=True, slots=True)
class _Codec:
    """Creates and verifies the tokens of this app."""

    settings: Settings
    keyring: Keyring
    verifier: Verifier
    clock: Clock

    def sign(self, user_id: UUID, session_id: UUID) -> str:
        return sign_access_token(
            self.keyring,
            user_id,
            session_id,
            issuer=self.settings.jwt_issuer,
            audience=self.settings.jwt_audience,
            now=self.clock(),
            life=timedelta(seconds=self.settings.access_token_seconds),
        )

    def verify(self, token: str) -> dict[str, Any]:
        claims = self.verifier.verify(token, self.clock())
        return {
            "sub": claims.user_id,
            "sid": claims.session_id,
            "jti": claims.token_id,
            "type": "access",
        }


class _Manager(JWTManager):
    """Flask-JWT-Extended, which by itself has one key, one algorithm and the machine's clock."""

    def __init__(self, app: Flask, codec: _Codec) -> None:
        super().__init__(app)
        self._codec = codec

    def _encode_jwt_from_config(self, identity: Any, *_: Any, claims: Any = None, **__: Any) -> str:
        return self._codec.sign(UUID(identity), UUID(claims["sid"]))

    def _decode_jwt_from_config(self, encoded_token: str, *_: Any, **__: Any) -> dict[str, Any]:
        try:
            return self._codec.verify(encoded_token)
        except TokenRefused as error:
            raise jwt.InvalidTokenError(str(error)) from error


def verifier(settings: Settings, keyring: Keyring) -> Verifier:
    """The verifier of access tokens by these settings."""
    return Verifier(keyring, settings.jwt_issuer, settings.jwt_audience)


def register(
    app: Flask, settings: Settings, keyring: Keyring, judge: Verifier, clock: Clock
) -> None:
    """Set up Flask-JWT-Extended; every refusal becomes 401 in our shape."""
    app.config.update(JWT_TOKEN_LOCATION=["headers"])
    manager = _Manager(app, _Codec(settings, keyring, judge, clock))
    for loader in (manager.unauthorized_loader, manager.invalid_token_loader):
        loader(_refused)


def issue(user_id: UUID, session_id: UUID) -> str:
    """A new access token. It identifies the user only: roles are looked up on each request."""
    token: str = create_access_token(
        identity=str(user_id), additional_claims={"sid": str(session_id)}
    )
    return token


def presented_session() -> UUID:
    """The session named by the request's access token, whose signature and claims are checked.

    Raises:
        jwt.InvalidTokenError, flask_jwt_extended.exceptions.JWTExtendedException: the token is missing or refused;
            the app answers 401.
    """
    return cast("UUID", _claims()["sid"])


def presented() -> tuple[UUID, UUID] | None:
    """The user and the session of the request's access token; None if it has none that was signed by us and is in date.

    Whether the session still lives is not asked: this is for counting requests, not for letting them in.
    """
    try:
        claims = _claims()
    except (jwt.PyJWTError, JWTExtendedException):
        return None
    return claims["sub"], claims["sid"]


def _claims() -> dict[str, Any]:
    """The claims of the request's token, verified once a request.

    The extension's own reader of headers knows only `Bearer` with a capital letter.
    """
    if "claims" not in g:
        token = bearer.credentials(request.headers.get("Authorization", ""))
        if token is None:
            raise NoAuthorizationError("no bearer token")
        g.claims = decode_token(token)
    return cast("dict[str, Any]", g.claims)


def unauthorized(why: str = "a valid access token is needed") -> errors.Problem:
    """401 in the form that clients expect."""
    return errors.Problem(401, f"unauthorized: {why}")


def _refused(_: str) -> Response:
    # Which check failed is nobody's business.
    return errors.response(unauthorized())
