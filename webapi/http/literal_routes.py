"""Literal paths come first: `/predictions/batch` is never the prediction of a token named batch.

The router goes on to the address with an argument where the one that is written out does not know the method, and puts
the methods of both into `Allow`. Such an answer contradicts the OpenAPI document, in which the two are apart.
"""

from collections import defaultdict
from functools import lru_cache
from typing import cast

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import MethodNotAllowed


def register(app: Flask) -> None:
    """Keep the methods of each address of `app` to itself; call it before the checks of access."""
    app.before_request(_refuse_others)
    app.after_request(_allow_own)


def _refuse_others() -> None:
    rule = request.url_rule
    if rule is not None and rule.arguments and _own_methods() is not None:
        raise MethodNotAllowed


def _allow_own(answer: Response) -> Response:
    if "Allow" in answer.headers or answer.status_code == MethodNotAllowed.code:
        own = _own_methods()
        if own is not None:
            answer.headers["Allow"] = ", ".join(own)
    return answer


def _own_methods() -> list[str] | None:
    """The methods of the request's path; None if it is no literal one."""
    app = cast("Flask", current_app._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 - a proxy is no key
    # One slash at the end is let through, see `strict_slashes`.
    return _methods(app).get(request.path.removesuffix("/") or "/")


@lru_cache(maxsize=8)
def _methods(app: Flask) -> dict[str, list[str]]:
    """By address without arguments; it is asked first when all routes are there."""
    by_path: defaultdict[str, set[str]] = defaultdict(set)
    for rule in app.url_map.iter_rules():
        if not rule.arguments:
            by_path[rule.rule] |= rule.methods or set()
    return {address: sorted(methods) for address, methods in by_path.items()}
