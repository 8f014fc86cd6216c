"""Who may call a route. Each declares it by a decorator; a route without one stops the app from starting."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar, cast
from uuid import UUID

from flask import Flask, current_app, g, request
from flask.typing import ResponseReturnValue

from coinsphere.audit.events import Event
from coinsphere.db.owner import Scope
from webapi import features
from webapi.api_keys import request_key, scopes
from webapi.api_keys.queries import PresentedKey
from webapi.backends import database
from webapi.http import deprecation, errors
from webapi.security import (
    access_tokens,
    admission,
    audit,
    session_cache,
    sessions,
    signatures,
)
from webapi.security.admission import Admission
from webapi.security.sessions import Principal
from webapi.services import Services, services

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "_access"
_FINDER = "_identified_by"

Finder = Callable[[], Principal | None]


class Access(StrEnum):
    """Who may call a route."""

    PUBLIC = "public"
    USER = "user"
    ANALYST = "analyst"
    ADMIN = "admin"


_ROLES = {
    Access.USER: frozenset(("user", "analyst", "admin")),
    Access.ANALYST: frozenset(("analyst", "admin")),
    Access.ADMIN: frozenset(("admin",)),
}


def public(view: View) -> View:
    """Anybody may call this route."""
    return _marked(view, Access.PUBLIC)


def signed_in(view: View) -> View:
    """Any user with a live session may call this route."""
    return _marked(view, Access.USER)


def analyst(view: View) -> View:
    """Only analysts and administrators may call this route."""
    return _marked(view, Access.ANALYST)


def admin(view: View) -> View:
    """Only administrators may call this route."""
    return _marked(view, Access.ADMIN)


def identified_by(find: Finder) -> Callable[[View], View]:
    """Marks a route whose caller `find` identifies; by default the header `Authorization` does."""

    def mark(view: View) -> View:
        setattr(view, _FINDER, find)
        return view

    return mark


def finder(view: Callable[..., Any]) -> Finder | None:
    """The function that identifies the caller of a route, where that is not the header `Authorization`."""
    return cast("Finder | None", getattr(view, _FINDER, None))


def of(view: Callable[..., Any]) -> Access | None:
    """The declared access of a route; None if there is none."""
    return cast("Access | None", getattr(view, _MARK, None))


def principal() -> Principal:
    """The caller of the present request. Only in routes that are not public."""
    return cast("Principal", g.principal)


def register(app: Flask) -> None:
    """Check every request against its route's declared access."""
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
    """The principal of the request's access token or API key; None if its session, or the key, has ended."""
    if request_key.secret() is not None:
        return _owner_of_key()
    session_id = access_tokens.presented_session()
    work = services()
    known = remembered(work, session_id, admission.of_request())
    if known is None:
        stamp = work.sessions.stamp()
        with work.database.connection_as(Scope.AUTHENTICATION) as conn:
            known = sessions.principal(conn, session_id, work.clock())
        if known is not None:
            work.sessions.keep(known, stamp)
    return known


def remembered(work: Services, session_id: UUID, admitted: Admission | None) -> Principal | None:
    """The principal of a session, if this process or Redis has it cached.

    Args:
        work: the app's services.
        session_id: named by a token that was verified.
        admitted: how the request was, and what Redis said of the session on the way.
    """
    known = work.sessions.here(session_id)
    if known is not None:
        return known
    kept = admitted.session if admitted is not None else None
    if kept is None:
        kept = work.admissions.session(session_cache.key(session_id))
    return work.sessions.take(session_id, kept)


def act_for(caller: Principal, access: Access) -> None:
    """From here on every transaction sees the rows of who asks alone; with what a route declares that lets them in."""
    g.principal = caller
    database.acts(caller.user_id, Scope.ADMINISTRATION if access is Access.ADMIN else None)


def is_open_to(access: Access, role: str) -> bool:
    """Whether a role may call a route that declares `access`, other than public."""
    return role in _ROLES[access]


def require_route_access(route: str) -> None:
    """Check that the caller of the present request may use another route too, one that is for users.

    Args:
        route: its method and address, as the policy has them.

    Raises:
        errors.Problem: 403, the route or the scope is not for the caller; 503, its feature is switched off.
    """
    method, _, rule = route.partition(" ")
    endpoint = _endpoint_of(method, rule)
    assert of(current_app.view_functions[endpoint]) is Access.USER, route
    key = request_key.find()
    if key is not None:
        _require_scope(key, method, rule)
    features.require(endpoint)


def _endpoint_of(method: str, rule: str) -> str:
    for each in current_app.url_map.iter_rules():
        if each.rule == rule and method in (each.methods or ()):
            return str(each.endpoint)
    raise LookupError(f"no route {method} {rule}")


def _check() -> ResponseReturnValue | None:
    # A browser asks by OPTIONS, without a token, whether it may ask at all; the answer tells methods only.
    if request.endpoint is None or request.method == "OPTIONS":
        return None
    view = current_app.view_functions[request.endpoint]
    deprecation.refuse_after_sunset(view)
    access = of(view)
    if access is None or access is Access.PUBLIC:
        database.acts(None, Scope.AUTHENTICATION)
    else:
        _let_in(access, finder(view) or identify)
    features.require(request.endpoint)
    return None


def _let_in(access: Access, find: Finder) -> None:
    caller = find()
    if caller is None:
        raise access_tokens.unauthorized("the session has ended")
    if not is_open_to(access, caller.role):
        _denied(Event.ACCESS_DENIED, caller.user_id)
        raise errors.Problem(403, f"{access.capitalize()} access required")
    act_for(caller, access)


def _owner_of_key() -> Principal | None:
    """The owner of the presented key, if the key may be used here, from this network, and signed as it must be."""
    key = request_key.find()
    if key is None:
        return None
    if not request_key.is_from_allowed_network(key):
        _denied(Event.API_KEY_REFUSED, key.user_id, str(key.id))
        raise errors.Problem(403, "the API key may not be used from this address", code="network")
    if key.public_key is not None:
        _require_signature(key, key.public_key)
    rule = request.url_rule
    assert rule is not None
    if not scopes.is_by_field(request.method, rule.rule):
        _require_scope(key, request.method, rule.rule)
    return Principal(session_id=key.id, user_id=key.user_id, role=key.role)


def _require_signature(key: PresentedKey, public_key: bytes) -> None:
    work = services()
    now = work.clock()
    try:
        nonce = signatures.verify(request, key.id, public_key, now)
        with work.database.connection_as(Scope.AUTHENTICATION) as conn:
            signatures.spend(conn, key.id, nonce, now)
    except signatures.SignatureRefused as refusal:
        _denied(Event.SIGNATURE_REFUSED, key.user_id, str(key.id))
        raise errors.Problem(401, f"unauthorized: {refusal}", code="signature") from None


def _require_scope(key: PresentedKey, method: str, rule: str) -> None:
    needed = scopes.needed(method, rule)
    if needed is None:
        problem = errors.Problem(403, "an API key cannot be used here", code="session-needed")
    elif needed not in key.scopes:
        problem = errors.Problem(403, f"the API key lacks the scope {needed}", code="scope")
    elif needed in scopes.SIGNED and key.public_key is None:
        problem = errors.Problem(403, "the API key must sign its requests", code="signature")
    else:
        return
    _denied(Event.ACCESS_DENIED, key.user_id, str(key.id), f"{method} {rule}")
    raise problem


def _denied(
    event: Event, user_id: UUID, key_id: str | None = None, route: str | None = None
) -> None:
    """Tell the audit log of a refusal, in a transaction of its own: the request ends without one."""
    with services().database.connection_as(Scope.AUTHENTICATION) as conn:
        own = f"{request.method} {request.url_rule.rule if request.url_rule else request.path}"
        details = {"route": route or own} | ({} if key_id is None else {"apiKey": key_id})
        audit.record(conn, event, actor_id=user_id, details=details)


def _marked(view: View, access: Access) -> View:
    setattr(view, _MARK, access)
    return view
