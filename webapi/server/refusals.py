"""The server's own refusals before the application is reached: the same problem+json, without Flask."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus

from gunicorn.http import errors as parsing

from coinsphere import log
from webapi.http import json
from webapi.http.envelope import HEADERS, REQUEST_ID
from webapi.http.errors import MIMETYPE, Problem

_log = log.get("webapi.server")

_UNREADABLE = "The request is none that HTTP/1.1 knows, and nothing was done."
_STATUS: Mapping[type[Exception], tuple[int, str]] = {
    parsing.LimitRequestLine: (414, "A request line holds at most 8,190 bytes."),
    parsing.LimitRequestHeaders: (431, "100 header fields of 8,190 bytes, 64 KiB in all, are the most."),
    parsing.UnsupportedTransferCoding: (501, "The only transfer coding that is known is `chunked`."),
    parsing.ExpectationFailed: (417, "The only expectation that is known is `100-continue`."),
    parsing.InvalidHeaderName: (400, "A header field has a name that is none."),
    parsing.InvalidHeader: (400, "A header field is malformed, or contradicts another."),
    parsing.ObsoleteFolding: (400, "A header field is folded over lines."),
    parsing.InvalidRequestLine: (400, "The request line is malformed."),
    parsing.InvalidRequestMethod: (400, "The method is none that HTTP knows."),
}  # fmt: skip


def of_parser(error: parsing.ParseException) -> Problem:
    """The answer to a head that gunicorn's parser refuses; the parser's own words might repeat a secret."""
    if isinstance(error, parsing.InvalidHTTPVersion) and isinstance(error.version, tuple):
        return Problem(505, detail="The API speaks HTTP/1.0 and HTTP/1.1.")
    status, detail = _STATUS.get(type(error), (400, _UNREADABLE))
    return Problem(status, detail=detail)


def cut_off() -> Problem:
    """400 for a request whose end never came (RFC 9112, section 8)."""
    return Problem(400, "bad request: it was not received whole", detail="Nothing of it was done.")


def malformed_body() -> Problem:
    """400 for malformed chunks."""
    return Problem(400, "bad request: the chunks of its body are malformed")


def too_slow() -> Problem:
    """408 for a request that did not come in time."""
    return Problem(408, detail="The request did not come in time, and nothing of it was done.")


def too_many_logins() -> Problem:
    """503 for a login that waited too long; like `written`, only in a worker."""
    from webapi.security import passwords  # noqa: PLC0415 - it loads the metrics

    return passwords.busy()


def written(problem: Problem) -> bytes:
    """The whole answer for `problem`, which ends the connection and is logged as others are."""
    # It looks for its folder when it is first imported, which must be in a worker.
    from webapi.observability import metrics  # noqa: PLC0415

    request_id = secrets.token_hex(16)
    _log.info("refused", request_id=request_id, status=problem.status, reason=problem.error)
    metrics.REQUESTS.labels("other", "none", problem.status).inc()
    body = json.dumps(problem.body(request_id))
    headers = {
        "Content-Type": MIMETYPE,
        "Content-Length": str(len(body)),
        "Connection": "close",
        REQUEST_ID: request_id,
        **HEADERS,
        **problem.headers,
    }
    lines = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
