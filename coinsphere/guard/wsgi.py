"""The guard of a WSGI application that anybody on the machine may read: the metrics."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from coinsphere.guard import rules
from coinsphere.guard.rules import Refusal, Request
from coinsphere.settings import Settings

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_READING = ("GET", "HEAD")


def guarded(app: "WSGIApplication", settings: Settings) -> "WSGIApplication":
    """`app`, refusing foreign hosts, pages of other sites and every write."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = _request(environ)
        refusal = rules.foreign(request, settings.own_hosts)
        if refusal is not None:
            return _refuse(refusal, start_response)
        if request.method not in _READING:
            start_response("405 Method Not Allowed", [("Allow", "GET, HEAD")])
            return [b""]
        return app(environ, start_response)

    return answer


def _request(environ: "WSGIEnvironment") -> Request:
    headers = [
        (name.removeprefix("HTTP_").replace("_", "-").lower(), value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]
    return Request(
        environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""), headers
    )


def _refuse(refusal: Refusal, start_response: "StartResponse") -> Iterable[bytes]:
    status = f"{refusal.status.value} {refusal.status.phrase}"
    start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [f"{refusal.reason}\n".encode()]
