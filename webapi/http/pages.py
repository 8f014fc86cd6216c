"""Cached answers: bytes with a strong entity tag, and 304 for a client that has them."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Response, request

from webapi.http import json
from webapi.services import services

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "_cached"


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
    answer = Response(page.body, mimetype="application/json")
    answer.set_etag(page.etag)
    # The client may keep it, and asks each time whether it still holds.
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Vary"] = "Authorization"
    answer.make_conditional(request)
    return answer
