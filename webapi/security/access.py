"""Who may call a route. Each route says so by a decorator; one that does not stops the app from starting."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar, cast

from flask import Flask, current_app, g, request

from webapi import errors
from webapi.security import access_tokens, sessions
from webapi.security.sessions import Principal
from webapi.services import services

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "_access"


class Access(StrEnum):
    """Who may call a route."""

    PUBLIC = "public"
    USER = "user"
    ADMIN = "admin"


def public(view: View) -> View:
    """Anybody may call this route."""
    return _marked(view, Access.PUBLIC)


def signed_in(view: View) -> View:
    """Any user with a live session may call this route."""
    return _marked(view, Access.USER)


def admin(view: View) -> View:
    """Only administrators may call this route."""
    return _marked(view, Access.ADMIN)


def of(view: Callable[..., Any]) -> Access | None:
    """What a route declares; None if nothing."""
    return cast("Access | None", getattr(view, _MARK, None))


def principal() -> Principal:
    """Who sent the present request. Only in routes that are not public."""
    return cast("Principal", g.principal)


def register(app: Flask) -> None:
    """Check every request against what its route declares."""
    app.before_request(_check)


def refuse_undeclared(app: Flask) -> None:
    """Check that every route declares who may call it.

    Raises:
        RuntimeError: names the routes that do not.
    """
    silent = sorted(name for name, view in app.view_functions.items() if of(view) is None)
    if silent:
        raise RuntimeError(f"routes without declared access: {', '.join(silent)}")


def identify() -> Principal | None:
    """Who the request's access token stands for; None if its session has ended."""
    session_id = access_tokens.presented_session()
    work = services()
    known = work.sessions.get(session_id)
    if known is None:
        with work.database.connection() as conn:
            known = sessions.principal(conn, session_id, work.clock())
        if known is not None:
            work.sessions.keep(known)
    return known


def _check() -> None:
    # A browser asks by OPTIONS, without a token, whether it may ask at all; the answer tells methods only.
    if request.endpoint is None or request.method == "OPTIONS":
        return
    access = of(current_app.view_functions[request.endpoint])
    if access is Access.PUBLIC:
        return
    caller = identify()
    if caller is None:
        raise access_tokens.unauthorized("the session has ended")
    g.principal = caller
    if access is Access.ADMIN and not caller.is_admin:
        raise errors.Problem(403, "Admin access required")


def _marked(view: View, access: Access) -> View:
    setattr(view, _MARK, access)
    return view
