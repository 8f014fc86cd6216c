"""Passes of guarded servers: the token of the state folder, a link that opens once, and the cookie that it sets.

Other accounts of the machine reach its ports, but not the token, which lies in a file of mode 0600.
"""

import hmac
import secrets
import time
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie

from itsdangerous import BadSignature, URLSafeTimedSerializer

from coinsphere.errors import ConfigurationError
from coinsphere.guard.rules import Request
from coinsphere.settings import Settings

SIGN_IN_PATH = "/coinsphere/sign-in"
LINK_SECONDS = 3600
SESSION_SECONDS = 12 * 3600


class Passes:
    """The passes of one service.

    Args:
        settings: hold the token.
        service: a pass of one service opens no other.

    Raises:
        ConfigurationError: there is no token.
    """

    def __init__(self, settings: Settings, service: str) -> None:
        self._token = _token(settings)
        self._service = service
        self._started_at = int(time.time())
        self._used: dict[str, float] = {}

    @property
    def cookie(self) -> str:
        """The cookie's name; cookies know no ports, so each service has its own."""
        return f"coinsphere_{self._service}"

    def admit(self, request: Request) -> bool:
        """Whether the request carries the token, or the cookie of a session."""
        scheme, _, token = request.get("authorization").partition(" ")
        if scheme.lower() == "bearer":
            return hmac.compare_digest(token.strip().encode(), self._token.encode())
        return self._is_session(self._cookie_of(request))

    def code(self) -> str:
        """A new code for a link that opens once, within an hour."""
        return self._signer("link").dumps(secrets.token_urlsafe(12))

    def redeem(self, code: str) -> str | None:
        """The value of a session's cookie for a code; None where it is wrong, old, or was used."""
        try:
            value, issued_at = self._signer("link").loads(
                code, max_age=LINK_SECONDS, return_timestamp=True
            )
        except BadSignature:
            return None
        now = time.time()
        self._used = {each: until for each, until in self._used.items() if until > now}
        # What was used before this process started is forgotten, so older codes are not taken.
        if value in self._used or issued_at.timestamp() < self._started_at:
            return None
        self._used[value] = now + LINK_SECONDS
        return self._signer("session").dumps(secrets.token_urlsafe(12))

    def _is_session(self, value: str) -> bool:
        try:
            self._signer("session").loads(value, max_age=SESSION_SECONDS)
        except BadSignature:
            return False
        return True

    def _cookie_of(self, request: Request) -> str:
        try:
            cookie = SimpleCookie(request.get("cookie")).get(self.cookie)
        except CookieError:
            return ""
        return cookie.value if cookie else ""

    def _signer(self, purpose: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self._token,
            salt=f"coinsphere/{self._service}/{purpose}",
            signer_kwargs={"key_derivation": "hmac", "digest_method": sha256},
        )


def link(settings: Settings, service: str, base_url: str) -> str:
    """A new address by which a browser signs in at `service` once, within an hour."""
    return f"{base_url}{SIGN_IN_PATH}?code={Passes(settings, service).code()}"


def _token(settings: Settings) -> str:
    if settings.service_token is None:
        raise ConfigurationError(
            "COINSPHERE_SERVICE_TOKEN is not set: `coinsphere up` makes one; elsewhere give each service the same, of "
            "32 random characters or more."
        )
    return settings.service_token.get_secret_value()
