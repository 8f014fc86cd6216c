"""The short way of a request: a cached answer that this process has is given without Flask.

The gate stands in front of Flask and knows no route. What it may give it learns from Flask's own answers: `pages.respond`
offers each, and when it has become bytes and headers the gate remembers them, by all that the answer was made from beside
its caller. Who asks, whether he may, what he has left, what is logged and counted is asked of the same functions that
Flask's way asks. Whatever is not a plain good read goes on to Flask as it came, refusals included: there is one way to
refuse.
"""

import time
from collections.abc import Callable, Iterable, Mapping
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
from webapi.security.admission import Admission
from webapi.services import Services

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]
Pairs = list[tuple[str, str]]

EXTENSION = "coinsphere-gate"
_MOST = 1_000
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
    """An answer that Flask gave, and of what route."""

    offer: pages.Offer
    headers: Pairs

    @property
    def etag(self) -> str:
        """The page's entity tag, as the header has it."""
        return f'"{self.offer.page.etag}"'


class Gate:
    """A WSGI application in front of `app`'s own.

    Args:
        app: whose routes are answered.
        work: its services.
        switches: its features.
    """

    def __init__(self, app: Flask, work: Services, switches: features.Switches) -> None:
        self._flask: Application = app.wsgi_app
        self._views = app.view_functions
        self._work, self._switches = work, switches
        self._known: Memory[tuple[Any, ...], _Known] = Memory(work.changes, _MOST)

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer, or let Flask do it."""
        if not _is_plain(environ):
            return self._flask(environ, start)
        began, key = time.perf_counter(), tuple(map(environ.get, _MADE_FROM))
        known = self._known.get(key)
        page = self._page(known)
        if known is None or page is None:
            return self._learning(key, environ, start)
        admitted = self._admitted(known.offer, environ)
        if admitted is None:
            return self._flask(environ, start)
        status, headers, body = _answer(known, environ)
        request_id = middleware.id_of(environ)
        environ[middleware.ROUTE] = known.offer.rule
        start(status, _completed(headers, limits.headers(admitted.standings), request_id))
        middleware.record(
            "GET",
            known.offer.rule,
            environ["PATH_INFO"],
            int(status[:3]),
            began=began,
            request_id=request_id,
        )
        return [body]

    def _page(self, known: _Known | None) -> Page | None:
        """The page of a known answer, if this process has it still."""
        if known is None:
            return None
        page = self._work.pages.here(known.offer.name, known.offer.key)
        return page if page is known.offer.page else None

    def _learning(self, key: tuple[Any, ...], environ: Environ, start: Start) -> Iterable[bytes]:
        stamp = self._work.changes.stamp()

        def noting(status: str, headers: Pairs, *rest: Any) -> Any:
            offer = environ.get(pages.OFFER)
            if offer is not None and status == "200 OK" and _may_be_repeated(headers):
                self._known.put(key, _Known(offer, list(headers)), _SECONDS, stamp)
            return start(status, headers, *rest)

        return self._flask(environ, noting)

    def _admitted(self, offer: pages.Offer, environ: Environ) -> Admission | None:
        """How the request is let in; None where Flask has to say what is wrong with it, or cannot be said here."""
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
        return admitted if access.is_open_to(declared, principal.role) else None

    def _claims(self, environ: Environ) -> Claims | None:
        """What the request's access token says; None if it brings another credential, none, or one that is refused."""
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
    """Whether it is a read like any other, of JSON."""
    is_read = environ["REQUEST_METHOD"] == "GET" and _NOT_PLAIN.isdisjoint(environ)
    return is_read and not tables.is_accepted(environ.get("HTTP_ACCEPT", ""))


def register(app: Flask, work: Services, switches: features.Switches) -> None:
    """Put a gate in front of `app`; what reads the proxies' words stands before it."""
    gate = app.extensions[EXTENSION] = Gate(app, work, switches)
    app.wsgi_app = gate  # type: ignore[method-assign,assignment]


def _answer(known: _Known, environ: Environ) -> tuple[str, Pairs, bytes]:
    """Status, headers and body: without the latter for a client that has it."""
    if "HTTP_IF_NONE_MATCH" not in environ or is_resource_modified(environ, known.etag):
        return "200 OK", known.headers, known.offer.page.body
    headers = Headers(known.headers)
    remove_entity_headers(headers)
    return "304 NOT MODIFIED", headers.to_wsgi_list(), b""


def _completed(headers: Pairs, standing: Mapping[str, str], request_id: str) -> Pairs:
    """The headers with those in place that are other ones for each request."""
    own = {**standing, REQUEST_ID: request_id, "Date": _date(int(time.time()))}
    return [(name, own.get(name, value)) for name, value in headers]


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return http_date(second)


def _may_be_repeated(headers: Pairs) -> bool:
    return _CHANGES.isdisjoint(name.lower() for name, _ in headers)
