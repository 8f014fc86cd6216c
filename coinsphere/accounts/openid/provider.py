"""The client of an OpenID provider: reads its description and keys, kept for an hour, and exchanges codes for identities.

It is reached by `coinsphere.outbound` alone: no address of ours, a bounded answer, a bounded wait. A key that is not known
makes the keys be read anew, once in a minute at most, so that a provider may change them at any time and nobody makes us
ask it by made-up tokens.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import jwt
from oauthlib.common import add_params_to_uri
from oauthlib.oauth2 import WebApplicationClient

from coinsphere.accounts.openid import id_tokens
from coinsphere.accounts.openid.id_tokens import Expected, Identity
from coinsphere.errors import (
    BadPayload,
    ConfigurationError,
    ProviderError,
    TokenRefused,
    Unavailable,
)
from coinsphere.network import outbound
from coinsphere.network.circuit_breaker import CircuitBreaker
from coinsphere.settings import Settings

SOURCE = "OpenID provider"
PATIENCE = 5.0
"""Seconds that an answer may keep somebody waiting who logs in."""
LARGEST = 256 * 1024
KEPT = timedelta(hours=1)
_KEYS_EVERY = timedelta(minutes=1)
_MOST_KEYS = 50
_FAILURES, _REST_SECONDS = 3, 10.0
"""A provider that hangs must not take every thread that answers people: after so many, nobody waits for it for a while."""
_SCOPES = ("openid", "email")
_REFUSALS = frozenset((400, 401))


@dataclass(frozen=True, slots=True)
class Login:
    """One login: the address that it leads back to, and the secrets that tie the answer to the browser that asked."""

    redirect_uri: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class _Description:
    """What the provider publishes of itself."""

    issuer: str
    authorization: str
    token: str
    keys: str
    userinfo: str | None
    is_secret_in_body: bool
    read_at: datetime


@dataclass(frozen=True, slots=True)
class _Keys:
    by_id: Mapping[str | None, jwt.PyJWK]
    read_at: datetime


class Provider:
    """A provider at which we are registered. Safe for threads.

    Args:
        issuer: as it writes itself, but for a slash at its end; of all tenants of Microsoft, `…/common/v2.0`.
        client_id: ours there.
        secret: ours there.
        http: the way out; closed by its owner.
    """

    def __init__(self, issuer: str, client_id: str, secret: str, http: httpx2.Client) -> None:
        self.issuer, self._client_id, self._secret, self._http = issuer, client_id, secret, http
        self._breaker = CircuitBreaker("openid", _FAILURES, _REST_SECONDS)
        self._described: _Description | None = None
        self._keys: _Keys | None = None
        self._lock = Lock()

    @classmethod
    def of(cls, settings: Settings) -> "Provider | None":
        """The provider that the settings name; None where they name none."""
        if settings.oidc_issuer is None:
            return None
        if settings.oidc_client_id is None or settings.oidc_client_secret is None:
            raise ConfigurationError("a login by OpenID needs an id and a secret")
        http = outbound.client(is_private_allowed=settings.oidc_private_network, seconds=PATIENCE)
        return cls(
            settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret.get_secret_value(), http
        )  # fmt: skip

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def address(self, login: Login, state: str, now: datetime) -> str:
        """The provider's address to which a browser is sent to log in. Raises `ProviderError`."""
        client = WebApplicationClient(self._client_id)
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": login.redirect_uri,
            "scope": " ".join(_SCOPES),
            "state": state,
            "nonce": login.nonce,
            "code_challenge": client.create_code_challenge(login.verifier, "S256"),
            "code_challenge_method": "S256",
        }
        # The client's own way refuses a provider without TLS, which a private network may have.
        address: str = add_params_to_uri(self._description(now).authorization, asked)
        return address

    def identity(
        self, login: Login, code: str, now: datetime, *, called: str | None = None
    ) -> Identity:
        """Who logged in, by the code that the browser brought back from who is called so (RFC 9207), where it says so.

        Raises:
            TokenRefused: the provider does not take the code, or what it answers is not to be believed.
            ProviderError: it is away, or makes no sense.
        """
        described = self._description(now)
        if called is not None and not _is_called(described.issuer, called):
            raise TokenRefused("the answer is of another provider")
        given = self._tokens(described, login, code)
        token = given.get("id_token")
        if not isinstance(token, str):
            raise TokenRefused("there is no ID token")
        key = self._key(described, id_tokens.key_id(token), now)
        expected = Expected(described.issuer, self._client_id, login.nonce)
        claims = dict(id_tokens.verify(token, key, expected, now))
        if "email" not in claims:
            claims |= self._more(described, given.get("access_token"), claims["sub"])
        return id_tokens.identity(claims)

    # What it answers

    def _tokens(self, described: _Description, login: Login, code: str) -> Mapping[str, Any]:
        client = WebApplicationClient(self._client_id)
        secret = {"client_secret": self._secret} if described.is_secret_in_body else {}
        body = client.prepare_request_body(
            code=code, redirect_uri=login.redirect_uri, code_verifier=login.verifier,
            include_client_id=described.is_secret_in_body, **secret,
        )  # fmt: skip
        answer = self._ask(
            described.token, form=dict(parse_qsl(body)), also=_REFUSALS,
            auth=None if described.is_secret_in_body else (self._client_id, self._secret),
        )  # fmt: skip
        if "error" in answer:
            raise TokenRefused(f"the provider does not take the code: {str(answer['error'])[:60]}")
        return answer

    def _more(self, described: _Description, access_token: object, subject: str) -> dict[str, Any]:
        """The address, where the provider tells it by its other answer alone (5.3)."""
        if described.userinfo is None or not isinstance(access_token, str):
            return {}
        userinfo = self._ask(described.userinfo, bearer=access_token)
        if userinfo.get("sub") != subject:
            raise TokenRefused("the provider tells of somebody else")
        return {name: userinfo[name] for name in ("email", "email_verified") if name in userinfo}

    def _description(self, now: datetime) -> _Description:
        known = self._described
        if known is not None and now - known.read_at < KEPT:
            return known
        told = self._ask(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        issuer = str(told.get("issuer"))
        if not _is_called(issuer, self.issuer):
            raise BadPayload(SOURCE, "it calls itself otherwise", issuer[:200])
        methods = told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        self._described = _Description(
            issuer, _address(told, "authorization_endpoint"), _address(told, "token_endpoint"), _address(told, "jwks_uri"),
            _address(told, "userinfo_endpoint") if "userinfo_endpoint" in told else None,
            "client_secret_basic" not in methods, now,
        )  # fmt: skip
        return self._described

    def _key(self, described: _Description, key_id: str | None, now: datetime) -> jwt.PyJWK:
        with self._lock:
            known = self._keys
            age = KEPT if known is None else now - known.read_at
            is_missing = known is None or key_id not in known.by_id
            if age >= KEPT or (is_missing and age >= _KEYS_EVERY):
                known = self._keys = self._read_keys(described, now)
        key = None if known is None else known.by_id.get(key_id)
        if key is None:
            raise TokenRefused("the ID token is signed by a key that the provider does not have")
        return key

    def _read_keys(self, described: _Description, now: datetime) -> _Keys:
        listed = self._ask(described.keys).get("keys")
        if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
            raise BadPayload(SOURCE, "its keys are none")
        keys: dict[str | None, jwt.PyJWK] = {}
        for each in listed:
            key = _signing_key(each)
            if key is not None:
                keys[key.key_id] = key
        if len(keys) == 1:
            # A token need not name the only key.
            keys.setdefault(None, next(iter(keys.values())))
        return _Keys(keys, now)

    def _ask(self, address: str, **more: Any) -> dict[str, Any]:
        if not self._breaker.admit():
            raise Unavailable(SOURCE, "it gave no answer a moment ago")
        try:
            answer = outbound.ask(self._http, SOURCE, address, largest=LARGEST, **more)
        except ProviderError:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
        if not isinstance(answer, dict):
            raise BadPayload(SOURCE, "the answer is no object")
        return answer


def _signing_key(jwk: object) -> jwt.PyJWK | None:
    """A key that signs; None for one of another use, or of a kind that we do not know."""
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig" or jwk.get("kty") == "oct":
        return None
    try:
        key = jwt.PyJWK(jwk)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return key if key.algorithm_name in id_tokens.ALGORITHMS else None


def _is_called(issuer: str, name: str) -> bool:
    """Whether a provider that describes itself so is meant by a name, of whatever tenant it has, slash at the end or not."""
    form = re.escape(issuer.rstrip("/")).replace(re.escape(id_tokens.TENANT), "[^/]+")
    return re.fullmatch(form, name.rstrip("/")) is not None


def _address(document: Mapping[str, Any], name: str) -> str:
    """An address of the description: without TLS only where the provider has none itself."""
    address = document.get(name)
    schemes = ("https", urlsplit(document["issuer"]).scheme)
    if not isinstance(address, str) or urlsplit(address).scheme not in schemes:
        raise BadPayload(SOURCE, f"its {name} is no address")
    return address
