"""What went wrong, as a page: it says what to do next and never shows what is not the reader's business."""

from datetime import timedelta
from math import ceil
from urllib.parse import quote

from babel.dates import format_timedelta
from flask import Flask, Response, g, request

from webapi.http import errors
from webapi.http.errors import Problem
from webui import rendering, requests
from webui.api_messages import in_words
from webui.i18n import gettext, locale
from webui.security import cookies

_UNAUTHORIZED = 401
_BROKEN = 500
_MINUTE = 60


def register(app: Flask) -> None:
    """Tell people of problems by pages; programs go on getting JSON."""
    app.extensions[errors.PAGES] = _page


def _page(problem: Problem) -> Response | None:
    if not requests.wants_page():
        return None
    if problem.status == _UNAUTHORIZED and requests.is_page():
        return _leading_to("/login")
    if problem.code == "step-up":
        return _leading_to("/step-up")
    cookies.find_if_possible()
    title, advice = _words(problem)
    answer = rendering.page(
        "problem.html", status=problem.status, title=title, advice=advice, wait=_wait(problem),
        again=_is_worth_another_try(problem), request_id=g.get("request_id", ""),
    )  # fmt: skip
    answer.status_code = problem.status
    answer.headers.extend(problem.headers)
    return answer


def _wait(problem: Problem) -> str:
    """When it is worth another try, where that is known: never said earlier than it is."""
    seconds = int(problem.headers.get("Retry-After", 0))
    if not seconds:
        return ""
    length = timedelta(seconds=seconds if seconds < _MINUTE else ceil(seconds / _MINUTE) * _MINUTE)
    when = format_timedelta(length, add_direction=True, threshold=3, locale=locale())
    return gettext("Try again %(when)s.") % {"when": when}


def _is_worth_another_try(problem: Problem) -> bool:
    """Whether the same address may answer soon; a form that was sent is not sent again by itself."""
    may_pass = problem.status == _BROKEN or "Retry-After" in problem.headers
    return request.method == "GET" and may_pass


def _leading_to(address: str) -> Response:
    """Go and show who you are, then come back to where you were; a form that was sent is not sent again by itself."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else ""
    if requests.is_part():
        wanted = request.headers.get("HX-Current-URL", "").removeprefix(request.host_url[:-1])
    elif request.method != "GET":
        wanted = (request.referrer or "").removeprefix(request.host_url[:-1])
    target = f"{address}?next={quote(requests.local(wanted), safe='/')}"
    if requests.is_part():
        return Response(status=204, headers={"HX-Redirect": target})
    return Response(status=303, headers={"Location": target})


def _closed(detail: str) -> str:
    """Whom a page is for, to a person who meant to read it."""
    if detail == "Admin access required":
        return gettext("This page is for those who run the system. Nothing of yours is missing.")
    return detail


def _words(problem: Problem) -> tuple[str, str]:
    known = {
        402: (
            gettext("Your plan does not have this"),
            gettext("The page Plan in your account shows what other plans have."),
        ),
        404: (
            gettext("There is no such page"),
            gettext("The address may be mistyped, or what was here is gone."),
        ),
        403: (gettext("This is not open to you"), in_words(_closed(problem.detail))),
        405: (gettext("That cannot be done here"), gettext("Go back and try it from the page.")),
        429: (
            gettext("That was too much at once"),
            gettext("For a while nothing more is taken from here. Nothing that you have is lost."),
        ),
        500: (
            gettext("Something broke on our side"),
            gettext("It is noted. Try again; if it happens again, tell us the number below."),
        ),
        503: (gettext("Not available right now"), in_words(problem.detail)),
    }
    return known.get(problem.status, (gettext("That did not work"), in_words(problem.detail)))
