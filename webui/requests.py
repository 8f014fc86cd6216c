"""What kind of request it is, and where a page may lead to."""

import re

from flask import Response, request
from werkzeug.datastructures import MultiDict

from webapi.http import errors

_OF_PROGRAMS = re.compile(r"/(api|health|\.well-known)(/|$)")
_LOCAL = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")


def is_page() -> bool:
    """Whether the request is for one of our pages; an address that nobody knows belongs to none."""
    return (request.endpoint or "").startswith("web_")


def wants_page() -> bool:
    """Whether people look at what is answered: a browser outside the API, or a part of a page that htmx asks for."""
    if _OF_PROGRAMS.match(request.path):
        return False
    return is_part() or is_page() or "text/html" in request.headers.get("Accept", "")


def is_part() -> bool:
    """Whether htmx asks, for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def local(address: str | None, otherwise: str = "/") -> str:
    """`address` if it is one of this site, else `otherwise`: nobody is sent elsewhere by a link that looks like ours."""
    return address if address is not None and _LOCAL.fullmatch(address) else otherwise


def refuse_unstorable(fields: MultiDict[str, str]) -> None:
    """Refuse, by the name of the field, what PostgreSQL cannot hold as text.

    Raises:
        errors.Problem: 400 where a name or a value holds a zero byte.
    """
    for name, value in fields.items(multi=True):
        if "\0" in name or "\0" in value:
            raise errors.invalid(
                [{"path": name, "message": "must not hold a zero byte", "code": "zero_byte"}]
            )


def lead_to(address: str) -> Response:
    """Go there, by GET whatever the present request was."""
    return Response(status=303, headers={"Location": address})
