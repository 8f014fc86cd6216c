"""Forms of other sites change nothing here (CSRF): three checks, of which each alone would do.

1. `Sec-Fetch-Site`, which no script can set, says that a page of ours sent it; where a browser does not send it,
   `Origin` must be ours.
2. A cookie with SameSite=Strict, which no other site's form brings along.
3. A token in the form, made of that cookie and the session's: who reads neither can make none.
"""

import hashlib
import hmac
import secrets

from flask import Flask, Response, g, request

from coinsphere.accounts import opaque_tokens
from webapi.http import errors
from webui import requests
from webui.security import cookies

COOKIE = "__Host-form"
FIELD = "csrf"
HEADER = "X-CSRF-Token"
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
_FORM_LIMIT = 256 * 1024


def register(app: Flask) -> None:
    """Check every request of a page of `app`: its query, and who sent it where it may change something."""
    app.before_request(_check)
    app.after_request(_keep)


def token() -> str:
    """The token of the forms of the present page."""
    return _token(browser())


def browser() -> str:
    """What the present browser alone keeps; made where it has none yet."""
    key: str = request.cookies.get(COOKIE, "") or g.get("form_secret", "")
    if not key:
        key = g.form_secret = opaque_tokens.new()
    return key


def _token(key: str) -> str:
    session = request.cookies.get(cookies.NAME, "") if cookies.caller() else ""
    return hmac.digest(key.encode(), b"form\0" + session.encode(), hashlib.sha256).hex()


def _check() -> None:
    if not requests.is_page():
        return
    requests.refuse_unstorable(request.args)
    if request.method in _SAFE:
        return
    # The API takes no forms at all, and says so by this limit being zero.
    request.max_form_memory_size = _FORM_LIMIT
    if not _is_own_site():
        raise _refused("the request came from another site")
    key = request.cookies.get(COOKIE, "")
    form_token = request.headers.get(HEADER) or request.form.get(FIELD, "")
    if not key or not secrets.compare_digest(form_token.encode(), _token(key).encode()):
        raise _refused("the form is out of date")


def _is_own_site() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") == request.host_url.rstrip("/")


def _refused(why: str) -> errors.Problem:
    return errors.Problem(
        403, why, detail="Open the page anew and send the form once more.", code="form"
    )


def _keep(answer: Response) -> Response:
    secret = g.get("form_secret")
    if secret is not None:
        answer.set_cookie(
            COOKIE, secret, path="/", secure=True, httponly=True, samesite="Strict"
        )  # fmt: skip
    return answer
