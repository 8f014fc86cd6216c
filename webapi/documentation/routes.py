"""The OpenAPI document and a page to read and try it; all its files come from this server."""

from functools import lru_cache
from importlib import resources
from typing import Any, cast

from apiflask import APIBlueprint, APIFlask
from flask import Response, current_app, request

from webapi.backends.cache import Page
from webapi.documentation import specification
from webapi.http import errors, json
from webapi.security.access import public

documentation = APIBlueprint("documentation", __name__, tag="Documentation")

# The bundle writes style attributes; scripts run from files of this server only.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TYPES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
    "start.js": "text/javascript",
}
"""The files that the page loads, and no others of the package that carries them."""


def _of(description: str, *media_types: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"description": description, "content": {each: {"schema": {}} for each in media_types}}
    }


@documentation.get("/openapi.json")
@public
@documentation.doc(responses=_of("The OpenAPI 3.1 document.", "application/json"))
def openapi() -> Response:
    """This document."""
    page = _document(cast("APIFlask", current_app._get_current_object()))  # type: ignore[attr-defined]  # noqa: SLF001 - a proxy is no key
    answer = Response(page.body, mimetype="application/json")
    return _revalidated(answer, page)


@documentation.get("/docs")
@public
@documentation.doc(responses=_of("A web page.", "text/html"))
def reference() -> Response:
    """The reference as a web page on which every route can be tried."""
    answer = Response(_own("page.html"), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = _POLICY
    return answer


@documentation.get("/docs/<name>")
@public
@documentation.doc(responses=_of("A file of that page.", *sorted(set(_TYPES.values()))))
def asset(name: str) -> Response:
    """A script, style sheet or picture of the reference."""
    if name not in _TYPES:
        raise errors.not_found("file")
    page = _file(name)
    return _revalidated(Response(page.body, mimetype=_TYPES[name]), page)


def _revalidated(answer: Response, page: Page) -> Response:
    answer.set_etag(page.etag)
    answer.headers["Cache-Control"] = "public, max-age=300"
    answer.make_conditional(request)
    return answer


@lru_cache(maxsize=8)
def _document(app: APIFlask) -> Page:
    return Page.of(json.dumps(specification.document(app)))


@lru_cache
def _file(name: str) -> Page:
    if name == "start.js":
        return Page.of(_own(name))
    return Page.of((resources.files("flask_swagger_ui") / "dist" / name).read_bytes())


def _own(name: str) -> bytes:
    return (resources.files("webapi.documentation") / name).read_bytes()
