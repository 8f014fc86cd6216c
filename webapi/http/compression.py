"""Compresses JSON answers (RFC 9110 8.4) outside of the cache, which keeps them uncompressed.

Who can make a victim's client ask, choose a part of the answer and see its length learns a secret in it letter by letter
(BREACH). Our API takes no cookie, so nobody else can make a client ask; answers of routes that give out secrets are left as
they are all the same.
"""

import gzip
import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.http import parse_accept_header

Environ = dict[str, Any]
Start = Callable[..., Any]
Application = Callable[[Environ, Start], Iterable[bytes]]

LEAST = 1024
"""Bytes below which compression saves no packet."""
_LEVEL = 3
SECRETS = re.compile(
    r"/api/v1/(auth|2fa|passkeys|account|api-keys|channels|exchanges|defi/connect|shared|portfolios/[^/]+/shares)(/|$)"
)
"""Routes whose answers hold a token, a key, a recovery code, a link, or a nonce."""


class Compression:
    """A WSGI application around another."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        """Answer, with gzip where it is accepted, useful and harmless."""
        started: list[Any] = []

        def noting(*said: Any) -> None:
            started[:] = said

        parts = self._app(environ, noting)
        status, headers, *rest = started
        if not _may_be_packed(environ, headers):
            start(status, headers, *rest)
            return parts
        try:
            body = b"".join(parts)
        finally:
            close = getattr(parts, "close", None)
            if close is not None:
                close()
        if len(body) >= LEAST:
            headers = [*headers, ("Vary", "Accept-Encoding")]
            if parse_accept_header(environ.get("HTTP_ACCEPT_ENCODING", "")).quality("gzip"):
                body, headers = _packed(body, Headers(headers))
        start(status, headers, *rest)
        return [body]


def register(app: Flask) -> None:
    """Put it around `app`."""
    app.wsgi_app = Compression(app.wsgi_app)  # type: ignore[method-assign,assignment]


def _may_be_packed(environ: Environ, headers: list[tuple[str, str]]) -> bool:
    values = {name.lower(): value for name, value in headers}
    is_json = values.get("content-type", "").startswith("application/json")
    is_whole = "content-encoding" not in values and "content-disposition" not in values
    is_read = environ["REQUEST_METHOD"] in ("GET", "POST")
    return is_json and is_whole and is_read and SECRETS.match(environ["PATH_INFO"]) is None


def _packed(body: bytes, headers: Headers) -> tuple[bytes, list[tuple[str, str]]]:
    """Body and headers. The entity tag becomes a weak one: the same content, in other bytes (RFC 9110 8.8.1)."""
    body = gzip.compress(body, _LEVEL, mtime=0)
    headers["Content-Encoding"] = "gzip"
    headers["Content-Length"] = str(len(body))
    tag = headers.get("ETag")
    if tag is not None and not tag.startswith("W/"):
        headers["ETag"] = f"W/{tag}"
    return body, headers.to_wsgi_list()
