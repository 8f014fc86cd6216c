"""Decides who may open a WebSocket: by an access token from allowed origins, or by a page's cookie from its own alone.

A browser sends cookies along with whatever page opens the socket, and no rule of origins keeps a script from opening one
(cross-site WebSocket hijacking, RFC 6455 section 10.2): so a cookie counts only where `Origin` is the host that was asked.
"""

from collections.abc import Collection
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout
from websockets.http11 import Request

from coinsphere.clock import Clock
from coinsphere.errors import TokenRefused
from coinsphere.guard.rules import is_known
from coinsphere.security.access_tokens import verify_access_token
from coinsphere.security.signing.file_keyring import FileKeyring
from coinsphere.settings import Settings
from coinsphere.stream import handshake, reading
from coinsphere.stream.handover import PATH
from coinsphere.stream.reading_pool import ReadingPool


@dataclass(frozen=True, slots=True)
class Caller:
    """The user and session of a connection."""

    user_id: UUID
    session_id: UUID


class Refused(Exception):
    """The caller may not come in.

    Args:
        status: of the answer.
        detail: what the caller is told.
    """

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Admission:
    """The rules.

    Args:
        settings: name the keys, our hosts and the origins that browsers may come from.
        pool: of the database that knows sessions.
        clock: answers the present instant.
    """

    def __init__(self, settings: Settings, pool: ReadingPool, clock: Clock) -> None:
        self._settings = settings
        self._keyring = FileKeyring(settings.keys_dir, settings.jwt_algorithm)
        self._pool = pool
        self._clock = clock

    async def caller(self, request: Request) -> Caller:
        """The caller of a request for a WebSocket. Raises `Refused`."""
        self.require_host(request)
        if handshake.path_of(request) != PATH:
            raise Refused(HTTPStatus.NOT_FOUND, "not found")
        self._require_known_origin(request)
        try:
            return await self._identify(request)
        except TokenRefused as error:
            raise Refused(HTTPStatus.UNAUTHORIZED, f"unauthorized: {error}") from error
        except (psycopg.Error, PoolTimeout) as error:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE, "the database is away; try again"
            ) from error

    async def live(self, sessions: Collection[UUID]) -> dict[UUID, UUID]:
        """Those of `sessions` that have not ended, each with its user. Raises psycopg's errors."""
        async with self._pool.connection() as conn:
            return await reading.live_sessions(conn, sessions, self._clock())

    def require_host(self, request: Request) -> None:
        """Refuse a request that names none of our hosts, or several. Raises `Refused`."""
        hosts = request.headers.get_all("Host")
        known = [*self._settings.api_hosts, self._settings.bind_host]
        if len(hosts) != 1 or not is_known(hosts[0].lower(), known):
            raise Refused(HTTPStatus.BAD_REQUEST, "unknown host")

    def _require_known_origin(self, request: Request) -> None:
        origin = handshake.origin_of(request)
        allowed = (None, self._settings.pages_url, *self._settings.cors_origins)
        if origin not in allowed and not self._is_own(request):
            raise Refused(HTTPStatus.FORBIDDEN, "this origin may not open a stream")

    def _is_own(self, request: Request) -> bool:
        """Whether a page of the very host that is asked opens the socket, over the scheme of our pages."""
        scheme = urlsplit(self._settings.pages_url).scheme
        host = request.headers.get_all("Host")[0].lower()
        return handshake.origin_of(request) == f"{scheme}://{host}"

    async def _identify(self, request: Request) -> Caller:
        token = handshake.presented_token(request)
        if token is not None:
            return await self._of_token(token)
        secret = handshake.presented_secret(request)
        if secret is None:
            raise TokenRefused("a valid access token is needed")
        if not self._is_own(request):
            raise Refused(HTTPStatus.FORBIDDEN, "a cookie counts from its own origin alone")
        return await self._of_cookie(secret)

    async def _of_cookie(self, secret: str) -> Caller:
        days = self._settings.refresh_idle_days
        async with self._pool.connection() as conn:
            session = await reading.browser_session(conn, secret, self._clock(), days)
        if session is None:
            raise TokenRefused("the session has ended")
        return Caller(session.user_id, session.session_id)

    async def _of_token(self, token: str) -> Caller:
        settings = self._settings
        try:
            claimed = verify_access_token(
                token, self._keyring, settings.jwt_issuer, settings.jwt_audience, self._clock()
            )
        except TokenRefused as error:
            # Which check failed is nobody's business.
            raise TokenRefused("a valid access token is needed") from error
        live = await self.live({claimed.session_id})
        if live.get(claimed.session_id) != claimed.user_id:
            raise TokenRefused("the session has ended")
        return Caller(claimed.user_id, claimed.session_id)
