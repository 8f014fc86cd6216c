"""Cached answers: bytes with a strong entity tag, and 304 for a client that has them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from flask import Response, request

from webapi.backends.cache import Page
from webapi.http import json
from webapi.services import services

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "_cached"
OFFER = "coinsphere.offer"
"""Where the environ of WSGI has an answer that may be given again; see `webapi.http.gate`."""
RAISED = "coinsphere.raised"
"""Where it has what was raised when the gate tried to make an answer: Flask raises it once more, and says what it means."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An answer that is the same for every permitted caller.

    Attributes:
        page: gives it as it is now; None where nobody has it.
        is_own: each caller has their own, which `page` makes for who is `access.principal`. Else it is the same for all.
        endpoint, rule: of the route.
    """

    page: Callable[[], Page | None]
    is_own: bool
    endpoint: str
    rule: str


def cached(view: View) -> View:
    """Marks a route that answers by `respond`; the OpenAPI document says so."""
    setattr(view, _MARK, True)
    return view


def is_cached(view: Callable[..., Any]) -> bool:
    """Whether a route's answers are cached."""
    return bool(getattr(view, _MARK, False))


def respond(name: str, key: str, make: Callable[[], object]) -> Response:
    """The answer of `make`, from the cache while it is fresh; an exception of `make` is never cached.

    Args:
        name: kind of page.
        key: names the page among all of its kind.
        make: gives what is written as JSON.
    """
    kept = services().pages
    page = kept.page(name, key, lambda: json.dumps(make()))
    _offer(partial(kept.here, name, key), is_own=False)
    return tagged(page)


def own(make: Callable[[], object]) -> Page:
    """What `make` gives who asks, as a page; nothing of it is kept.

    Args:
        make: gives what is written as JSON. It knows the caller by `access.principal`, and nothing else of the request, as the
            gate calls it where there is none.
    """
    raised = request.environ.pop(RAISED, None)
    if raised is not None:
        raise raised
    made = partial(_made, make)
    _offer(made, is_own=True)
    return made()


def tagged(page: Page) -> Response:
    """The answer with the page's entity tag; 304 for a client that has it. Kept in no shared cache."""
    answer = Response(page.body, mimetype="application/json")
    answer.set_etag(page.etag)
    # The client may keep it, and asks each time whether it still holds.
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Vary"] = "Authorization, X-API-Key"
    answer.make_conditional(request)
    return answer


def _made(make: Callable[[], object]) -> Page:
    return Page.of(json.dumps(make()))


def _offer(page: Callable[[], Page | None], *, is_own: bool) -> None:
    if request.endpoint is not None and request.url_rule is not None:
        offered = Offer(page, is_own, request.endpoint, request.url_rule.rule)
        request.environ[OFFER] = offered
