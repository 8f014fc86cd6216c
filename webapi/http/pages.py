"""Cached answers: bytes with a strong entity tag, and 304 for a client that has them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Response, request

from webapi.backends.cache import Page
from webapi.http import json
from webapi.services import services

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "_cached"
OFFER = "coinsphere.offer"
"""Where the environ of WSGI has an answer that others may be given too; see `webapi.http.gate`."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An answer that is the same for everybody who may call the route.

    Attributes:
        name, key: of the page, as `respond`.
        page: its bytes.
        endpoint, rule: of the route.
    """

    name: str
    key: str
    page: Page
    endpoint: str
    rule: str


def cached(view: View) -> View:
    """This route answers by `respond`; the OpenAPI document says so."""
    setattr(view, _MARK, True)
    return view


def is_cached(view: Callable[..., Any]) -> bool:
    """Whether a route's answers are cached."""
    return bool(getattr(view, _MARK, False))


def respond(name: str, key: str, make: Callable[[], object]) -> Response:
    """The answer of `make`, from the cache while it is fresh; what `make` raises is never cached.

    Args:
        name: kind of page.
        key: names the page among all of its kind.
        make: gives what is written as JSON.
    """
    page = services().pages.page(name, key, lambda: json.dumps(make()))
    if request.endpoint is not None and request.url_rule is not None:
        request.environ[OFFER] = Offer(name, key, page, request.endpoint, request.url_rule.rule)
    answer = Response(page.body, mimetype="application/json")
    answer.set_etag(page.etag)
    # The client may keep it, and asks each time whether it still holds.
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Vary"] = "Authorization, X-API-Key"
    answer.make_conditional(request)
    return answer
