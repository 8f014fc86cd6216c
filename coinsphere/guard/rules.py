"""Rules that refuse a request by its head: a foreign host, a page of another site, a write in disguise.

A page of another site can make the operator's browser send requests to 127.0.0.1. Browsers say from where (`Origin`,
Fetch Metadata), ask first before they send JSON, and a name that an attacker points at 127.0.0.1 stands in `Host`.
Sources: RFC 6454, the Fetch Standard (CORS-safelisted requests), W3C Fetch Metadata, OWASP's CSRF cheat sheet.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?")
_READING = ("GET", "HEAD", "OPTIONS")
_SENT_WITHOUT_ASKING = (
    "",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/plain",
)
"""Types that a browser sends to other sites without asking them (Fetch Standard, CORS-safelisted)."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request's head; names of `headers` in lower case, `method` is GET where a WebSocket opens."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    is_websocket: bool = False

    def get(self, name: str) -> str:
        """The header `name`; empty where there is none, all values where there are several, which match nothing."""
        return ", ".join(value for key, value in self.headers if key == name)

    @property
    def is_navigation(self) -> bool:
        """Whether a person navigates to a page of its own, not inside a frame."""
        return (
            self.method == "GET"
            and self.get("sec-fetch-mode") == "navigate"
            and self.get("sec-fetch-dest") == "document"
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """The reason a request is refused, for the person who reads the answer."""

    status: HTTPStatus
    reason: str


def foreign(request: Request, hosts: Collection[str]) -> Refusal | None:
    """The refusal of a request for another host, or from another site's page.

    Args:
        request: the request's head.
        hosts: names that the server answers to, without port; `.example.com` includes its sub-domains.
    """
    host = request.get("host").lower()
    if not is_known(host, hosts):
        return Refusal(
            HTTPStatus.FORBIDDEN,
            f"This server does not answer to the host {host[:80]!r}. Names that it answers to stand in "
            "COINSPHERE_SERVICE_HOSTS.",
        )
    if _is_from_elsewhere(request, host):
        return Refusal(
            HTTPStatus.FORBIDDEN,
            "Pages of other origins may not use this server. A proxy in front of it must pass `Host` on as it came.",
        )
    return None


def is_known(host: str, names: Collection[str]) -> bool:
    """Whether the header `Host`, in lower case, is one of `names`, whatever its port; `.example.com` is any below it.

    Not Werkzeug's `host_is_trusted`, which takes `[::1]` for a name with a port.
    """
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    name = match["name"]
    return any(
        name == known.removeprefix(".") or (known.startswith(".") and name.endswith(known))
        for known in map(str.lower, names)
    )


def disguised(request: Request, raw: re.Pattern[str] | None = None) -> Refusal | None:
    """The refusal of a write that is not sent as JSON, and of GraphQL by GET.

    Args:
        request: the request's head.
        raw: paths that take files or other bodies as they are; never such as a browser sends without asking.
    """
    if request.method in _READING:
        # A query string may hold a mutation, and Dagster and MLflow would execute it.
        if request.query and request.path.rstrip("/").endswith("/graphql"):
            return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "GraphQL is asked by POST with JSON.")
        return None
    kind = request.get("content-type").partition(";")[0].strip().lower()
    if kind == "application/json" or _takes_raw(request, kind, raw):
        return None
    if request.method != "POST" and not _has_body(request):
        return None
    return Refusal(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "What changes something is asked for with `Content-Type: application/json`.",
    )


def _is_from_elsewhere(request: Request, host: str) -> bool:
    origin = request.get("origin").lower()
    # A proxy may speak TLS for us: the scheme is the page's, which is all that tells a missing port.
    own = _address(f"{origin.partition('://')[0]}://{host}")
    if origin and (own is None or _address(origin) != own):
        return True
    site = request.get("sec-fetch-site").lower()
    return site not in ("", "none", "same-origin") and not request.is_navigation


def _address(url: str) -> tuple[str | None, int | None] | None:
    """Host and port; None where it is no origin of the web, such as `null`."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return (parts.hostname, port or default) if default else None


def _takes_raw(request: Request, kind: str, raw: re.Pattern[str] | None) -> bool:
    if raw is None or not raw.fullmatch(request.path):
        return False
    # Before a PUT of another site a browser always asks.
    return request.method != "POST" or kind not in _SENT_WITHOUT_ASKING


def _has_body(request: Request) -> bool:
    return bool(request.get("transfer-encoding")) or request.get("content-length") not in ("", "0")
