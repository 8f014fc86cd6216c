"""The one format of every failure: RFC 9457 problem details, with `error` for old clients."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NoReturn

from apiflask.exceptions import HTTPError
from flask import Flask, Response, current_app, g
from psycopg import InterfaceError, OperationalError
from psycopg.errors import InsufficientPrivilege
from psycopg_pool import PoolTimeout, TooManyRequests
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from coinsphere import log
from webapi.http import json

MIMETYPE = "application/problem+json"
RETRY_SECONDS = 2
COME_BACK = {"Retry-After": str(RETRY_SECONDS)}
PAGES = "coinsphere-error-pages"
"""Under this name an app keeps what tells people of a problem in a page; it gives None where a program asks."""

DATABASE_AWAY = (PoolTimeout, TooManyRequests, OperationalError, InterfaceError)
"""What psycopg raises where the database does not answer."""

_READ_ONLY = "Read-only file system"
"""So PostgreSQL says, under the code of a missing privilege, that its disk takes nothing any more."""

_log = log.get("webapi")

_TEXTS = {
    400: ("bad-request", "bad request", "The request makes no sense to the server."),
    401: ("unauthorized", "unauthorized", "A valid access token is needed."),
    403: ("forbidden", "forbidden", "This account may not do that."),
    404: ("not-found", "not found", "There is nothing at this address; /api/docs lists all."),
    405: (
        "method-not-allowed",
        "method not allowed",
        "This address knows other methods; the header Allow names them.",
    ),
    406: ("not-acceptable", "not acceptable", "Only JSON can be given."),
    409: ("conflict", "conflict", "It contradicts what is stored."),
    410: ("gone", "gone", "This address has come to its end."),
    413: ("too-large", "request body too large", "A body holds at most 1 MiB."),
    415: (
        "unsupported-media-type",
        "unsupported media type",
        "Send JSON, with the header `Content-Type: application/json`.",
    ),
    422: ("unprocessable", "unprocessable request", "It contradicts an earlier request."),
    429: ("too-many-requests", "too many requests", "Wait before you ask again."),
    500: (
        "internal",
        "internal server error",
        "Something broke; the request id names it in our log.",
    ),
    503: (
        "unavailable",
        "service unavailable",
        "A service that this needs is away; try again soon.",
    ),
}


class Problem(Exception):
    """A failure as an answer.

    Args:
        status: HTTP status.
        error: one line for old clients; the contract fixes some of them.
        detail: one sentence for people; `error` as one, where none is given.
        code: last part of `type`, stable for programs.
        headers: further headers of the answer.
        extra: further members of the body.
    """

    def __init__(
        self,
        status: int,
        error: str | None = None,
        *,
        detail: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        default_code, default_error, default_detail = _TEXTS.get(
            status, ("error", HTTPStatus(status).phrase.lower(), HTTPStatus(status).description)
        )
        self.status = status
        self.error = error or default_error
        self.detail = detail or (_sentence(error) if error else default_detail)
        self.code = code or default_code
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        super().__init__(self.error)

    def body(self, instance: str) -> dict[str, Any]:
        """The members of the answer; `instance` is the request's id."""
        return {
            "type": f"urn:coinsphere:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "error": self.error,
            **self.extra,
        }


def _sentence(error: str) -> str:
    return f"{error[0].upper()}{error[1:]}".rstrip(".") + "."


def invalid(details: list[dict[str, str]]) -> Problem:
    """400 that names each wrong field: `details` of `{path, message, code}`."""
    first = details[0]
    where = f"{first['path']}: " if first["path"] else ""
    return Problem(
        400,
        f"validation failed: {where}{first['message']}",
        detail="Some fields are wrong; `details` names them.",
        code="validation",
        extra={"details": details},
    )


def unavailable(error: str, *, detail: str | None = None, code: str | None = None) -> Problem:
    """503 that asks the client to come back."""
    return Problem(503, error, detail=detail, code=code, headers=COME_BACK)


def token_taken() -> Problem:
    """409 for a token whose contract on its chain, or whose CoinGecko id, belongs to another one."""
    return Problem(
        409, "a token with this contract or CoinGecko id already exists", code="token-taken"
    )


def token_not_found(symbol: str) -> Problem:
    """404 for a symbol that no token has."""
    return not_found(f"token {symbol[:20]}")


def no_price(symbol: str) -> Problem:
    """404 for an instant at which no price of a token is known."""
    return not_found(f"a price of {symbol[:20]} at that time")


def not_found(what: str) -> Problem:
    """404 whose `error` names what was not found."""
    return Problem(404, f"{what} not found")


def response(problem: Problem) -> Response:
    """The answer for `problem`: a page where HTML is accepted, else JSON."""
    page: Callable[[Problem], Response | None] | None = current_app.extensions.get(PAGES)
    shown = page(problem) if page is not None else None
    return _json(problem) if shown is None else shown


def _json(problem: Problem) -> Response:
    answer = Response(
        json.dumps(problem.body(g.get("request_id", ""))), problem.status, mimetype=MIMETYPE
    )
    answer.headers.extend(problem.headers)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        answer.headers.setdefault("WWW-Authenticate", "Bearer")
    return answer


def register(app: Flask) -> None:
    """Give every error of `app` the one format, unexpected ones too."""
    app.register_error_handler(Problem, response)
    app.register_error_handler(HTTPException, _of_werkzeug)
    app.register_error_handler(HTTPError, _of_apiflask)
    app.register_error_handler(Exception, _of_exception)


def raise_bad_json() -> NoReturn:
    """Refuse a body that is not JSON."""
    raise invalid([{"path": "", "message": "the body is not valid JSON", "code": "json_invalid"}])


def _of_werkzeug(error: HTTPException) -> Response:
    status = error.code or 500
    headers = {
        name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")
    }
    return response(Problem(status, headers=headers))


def _of_apiflask(error: HTTPError) -> Response:
    return response(Problem(error.status_code, headers=dict(Headers(error.headers))))


def problem_of(error: Exception) -> Problem:
    """The problem that an exception means to the caller; an unexpected exception is logged."""
    if isinstance(error, Problem):
        return error
    if _is_of_the_database(error):
        _log.error("database away", kind=type(error).__name__, reason=str(error).strip())
        return unavailable("service unavailable: the database does not answer")
    _log.error("unhandled exception", kind=type(error).__name__, exc_info=error)
    return Problem(500)


def _is_of_the_database(error: Exception) -> bool:
    if isinstance(error, InsufficientPrivilege):
        return _READ_ONLY in str(error)
    return isinstance(error, DATABASE_AWAY)


def _of_exception(error: Exception) -> Response:
    return response(problem_of(error))
