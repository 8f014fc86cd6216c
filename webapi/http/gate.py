"""A fast path before Flask: answers from this process's cache.

The gate stands in front of Flask and knows no route. What it may give it learns from Flask's own answers: `pages.respond`
offers what is cached, and `pages.own` what is made anew for each caller by the route's own function. When an offer has become
headers the gate remembers them, by all that the answer was made from beside its caller. Who asks, whether he may, what he has left, what is logged and counted is asked of the same functions that
Flask's way asks. Whatever is not a plain good read goes on to Flask as it came, refusals included: there is one way to
refuse.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.http import http_date, is_resource_modified, remove_entity_headers

from coinsphere.errors import ConfigurationError, TokenRefused
from coinsphere.security import bearer
from coinsphere.security.access_tokens import Claims
from webapi import features
from webapi.api_keys.queries import PREFIX
from webapi.backends.cache import Page
from webapi.backends.memory import Memory
from webapi.http import deprecation, middleware, pages, tables
from webapi.http.envelope import REQUEST_ID
from webapi.security import access, admission, limits, session_cache
from webapi.security.access import Access
from webapi.security.sessions import Principal
from webapi.security.windows import Standing
from webapi.services import Services

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]
Pairs = list[tuple[str, str]]

EXTENSION = "coinsphere-gate"
_MOST = 4_000
_SECONDS = 60.0
_MADE_FROM = ("PATH_INFO", "QUERY_STRING", "HTTP_HOST", "HTTP_ORIGIN", "wsgi.url_scheme")
"""Beside the caller: routing, parameters, trusted hosts, CORS."""
_NOT_PLAIN = frozenset(
    ("CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING", "HTTP_IF_MATCH", "HTTP_RANGE", "HTTP_EXPECT")
)
_CHANGES = frozenset(("set-cookie",))
"""An answer with one of these is of one request alone."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A cached answer of Flask, and its route."""

    offer: pages.Offer
    headers: Pairs
    is_tagged: bool


@dataclass(frozen=True, slots=True)
class _Admitted:
    """Who is let in, by what the route declares, and what they have left."""

    caller: Principal
    access: Access
    standings: Sequence[Standing]


class Gate:
    """A WSGI application in front of `app`'s own.

    Args:
        app: whose routes are answered.
        work: its services.
        switches: its features.
    """

    def __init__(self, app: Flask, work: Services, switches: features.Switches) -> None:
        self._app, self._flask = app, app.wsgi_app
        self._views = app.view_functions
        self._work, self._switches = work, switches
        self._known: Memory[tuple[Any, ...], _Known] = Memory(work.changes, _MOST)

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer from the cache, or pass the request to Flask."""
        if not _is_plain(environ):
            return self._flask(environ, start)
        began, key = time.perf_counter(), tuple(map(environ.get, _MADE_FROM))
        known = self._known.get(key)
        found = None if known is None else self._found(known.offer, environ)
        if known is None or found is None:
            return self._learning(key, environ, start)
        page, standings = found
        status, headers, body = _answer(known, page, environ)
        request_id, rule = middleware.id_of(environ), known.offer.rule
        environ[middleware.ROUTE] = rule
        start(status, _completed(headers, page, limits.headers(standings), request_id))
        path, code = environ["PATH_INFO"], int(status[:3])
        middleware.record("GET", rule, path, code, began=began, request_id=request_id)
        return [body]

    def _found(
        self, offer: pages.Offer, environ: Environ
    ) -> tuple[Page, Sequence[Standing]] | None:
        """The answer, and what its caller has left; None where Flask has to answer."""
        admitted = self._admitted(offer, environ)
        page = None if admitted is None else self._page(offer, admitted, environ)
        return None if admitted is None or page is None else (page, admitted.standings)

    def _page(self, offer: pages.Offer, admitted: _Admitted, environ: Environ) -> Page | None:
        """The page of a known answer, if this process still has it."""
        if not offer.is_own:
            return offer.page()
        with self._app.app_context():
            access.act_for(admitted.caller, admitted.access)
            try:
                return offer.page()
            except Exception as error:  # noqa: BLE001 - the route raises it again, and Flask answers it
                environ[pages.RAISED] = error
                return None

    def _learning(self, key: tuple[Any, ...], environ: Environ, start: Start) -> Iterable[bytes]:
        stamp = self._work.changes.stamp()

        def noting(status: str, headers: Pairs, *rest: Any) -> Any:
            offer = environ.get(pages.OFFER)
            if offer is not None and status == "200 OK" and _may_be_repeated(headers):
                is_tagged = any(name == "ETag" for name, _ in headers)
                self._known.put(key, _Known(offer, list(headers), is_tagged), _SECONDS, stamp)
            return start(status, headers, *rest)

        return self._flask(environ, noting)

    def _admitted(self, offer: pages.Offer, environ: Environ) -> _Admitted | None:
        """The admission of the request; None where Flask has to decide or to explain."""
        view, now = self._views[offer.endpoint], self._work.clock()
        claims = self._claims(environ)
        if claims is None or not limits.counts_users(view) or not self._is_open(offer.endpoint):
            return None
        caller = limits.of_user(claims.user_id)
        windows = limits.windows_of(self._work.settings, caller, limits.cost_of(view))
        session = session_cache.key(claims.session_id)
        # Flask takes over what was counted here.
        admitted = environ[admission.ADMISSION] = self._work.admissions.admit(
            windows, session=session
        )
        if admitted.refused is not None or deprecation.has_ended(view, now):
            return None
        principal = access.remembered(self._work, claims.session_id, admitted)
        declared = access.of(view)
        if principal is None or declared is None:
            return None
        if not access.is_open_to(declared, principal.role):
            return None
        return _Admitted(principal, declared, admitted.standings)

    def _claims(self, environ: Environ) -> Claims | None:
        """The claims of the request's access token; None for another credential, none, or a refused one."""
        token = bearer.credentials(environ.get("HTTP_AUTHORIZATION", ""))
        if token is None or token.startswith(PREFIX):
            return None
        try:
            return self._work.verifier.verify(token, self._work.clock())
        except (TokenRefused, ConfigurationError):
            return None

    def _is_open(self, endpoint: str) -> bool:
        feature = features.of(endpoint)
        return feature is None or self._switches.is_known_on(feature)


def _is_plain(environ: Environ) -> bool:
    """Whether it is an ordinary read of JSON."""
    is_read = environ["REQUEST_METHOD"] == "GET" and _NOT_PLAIN.isdisjoint(environ)
    return is_read and not tables.is_accepted(environ.get("HTTP_ACCEPT", ""))


def register(app: Flask, work: Services, switches: features.Switches) -> None:
    """Put a gate before `app`, behind the middleware that reads proxies' headers."""
    gate = app.extensions[EXTENSION] = Gate(app, work, switches)
    app.wsgi_app = gate  # type: ignore[method-assign,assignment]


def _answer(known: _Known, page: Page, environ: Environ) -> tuple[str, Pairs, bytes]:
    """Status, headers and body; without a body for a client that has it."""
    is_asked = known.is_tagged and "HTTP_IF_NONE_MATCH" in environ
    if not is_asked or is_resource_modified(environ, _quoted(page)):
        return "200 OK", known.headers, page.body
    headers = Headers(known.headers)
    remove_entity_headers(headers)
    return "304 NOT MODIFIED", headers.to_wsgi_list(), b""


def _completed(headers: Pairs, page: Page, standing: Mapping[str, str], request_id: str) -> Pairs:
    """The headers with those added that differ for each request."""
    own = {
        **standing,
        REQUEST_ID: request_id,
        "Date": _date(int(time.time())),
        "ETag": _quoted(page),
        "Content-Length": str(len(page.body)),
    }
    return [(name, own.get(name, value)) for name, value in headers]


def _quoted(page: Page) -> str:
    return f'"{page.etag}"'


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return http_date(second)


def _may_be_repeated(headers: Pairs) -> bool:
    return _CHANGES.isdisjoint(name.lower() for name, _ in headers)
