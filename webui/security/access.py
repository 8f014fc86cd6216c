"""Who may see a page. The API's own declarations, but the caller is found by a cookie instead of a header."""

from collections.abc import Callable
from typing import Any, TypeVar

from webapi.security import access
from webui.security import cookies

View = TypeVar("View", bound=Callable[..., Any])


def anyone(view: View) -> View:
    """Anybody may see this page."""
    return access.public(view)


def signed_in(view: View) -> View:
    """Any user who is logged in may see this page."""
    return access.identified_by(cookies.caller)(access.signed_in(view))


def analyst(view: View) -> View:
    """Only analysts and administrators may see this page."""
    return access.identified_by(cookies.caller)(access.analyst(view))


def admin(view: View) -> View:
    """Only administrators may see this page."""
    return access.identified_by(cookies.caller)(access.admin(view))
