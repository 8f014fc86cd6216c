"""Refuses requests that two readers of one connection may read differently (RFC 9112), and ends the connection.

gunicorn's parser has read the head; this is what it lets pass.
"""

import re
from typing import Any

from gunicorn.http.errors import (
    InvalidHeader,
    InvalidRequestLine,
    UnsupportedTransferCoding,
)

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_ABSOLUTE = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)")
# gunicorn drops names with underscores; whoever reads them as hyphens, as CGI does, sees another end of the body.
_NAMES_MISSPELT = (b"content_length", b"transfer_encoding")
_MISSPELT = re.compile(
    rb"^(?:content_length|transfer_encoding)[ \t]*:", re.IGNORECASE | re.MULTILINE
)


def require_one_reading(request: Any, head: bytes) -> None:
    """Refuse a head of which another reader might take another host, another end, or other content.

    Args:
        request: gunicorn's.
        head: as it was received.

    Raises:
        ParseException: it is ambiguous.
    """
    if _CONTROL.search(head.partition(b"\r\n")[0]):
        raise InvalidRequestLine("")
    # Looked for as plain bytes first, as a pattern is tried at each of some hundred of a token.
    if any(map(head.lower().__contains__, _NAMES_MISSPELT)) and _MISSPELT.search(head):
        raise InvalidHeader("")
    hosts = _values(request, "HOST")
    if request.version >= (1, 1) and not hosts:
        raise InvalidHeader("HOST")
    _require_own_target(request.uri, hosts)
    if any(value.lower() != "chunked" for value in _values(request, "TRANSFER-ENCODING")):
        # gunicorn lets others pass, and would hand on what they packed.
        raise UnsupportedTransferCoding("")


def is_last(request: Any) -> bool:
    """Whether the sender ends the connection after it: `close` among the options of `Connection` (section 9.3)."""
    options = ",".join(_values(request, "CONNECTION")).lower().split(",")
    return "close" in {option.strip() for option in options}


def _require_own_target(target: str, hosts: list[str]) -> None:
    """An absolute target names the host that the field `Host` names (section 3.2.2), over HTTP."""
    absolute = None if target.startswith("/") else _ABSOLUTE.match(target)
    if absolute is None:
        return
    if absolute["scheme"].lower() not in {"http", "https"}:
        raise InvalidRequestLine("")
    if [host.lower() for host in hosts] != [absolute["authority"].lower()]:
        raise InvalidHeader("HOST")


def _values(request: Any, name: str) -> list[str]:
    return [value for each, value in request.headers if each == name]
