"""Rate limits by caller: sliding windows, counted in Redis for all processes; see `webapi.security.admission`."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask, Response, current_app, request
from psycopg import Error as DatabaseError
from werkzeug.middleware.proxy_fix import ProxyFix

from coinsphere.network.client_networks import network
from coinsphere.settings import Settings
from webapi.api_keys import request_key
from webapi.api_keys.queries import PresentedKey
from webapi.http import errors
from webapi.http.envelope import complete
from webapi.security import access, access_tokens, admission, session_cache
from webapi.security.windows import Standing, Window
from webapi.services import services

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "_limit"
_AUTH = "auth"
_FAILURES = "auth-failures"
_EXEMPT = "exempt"
_API = "api"
_KEY = "key"
_COST = "_cost"
_REFUSED = frozenset((400, 401, 403))


def auth(view: View) -> View:
    """Marks a route that takes credentials: it counts by address, and its refusals count twice."""
    return _marked(view, _AUTH)


def exempt(view: View) -> View:
    """Marks a route that is never counted."""
    return _marked(view, _EXEMPT)


def weighs(requests: int) -> Callable[[View], View]:
    """Marks a route that counts as several requests, as it costs the system as much."""

    def mark(view: View) -> View:
        setattr(view, _COST, requests)
        return view

    return mark


def cost_of(view: Callable[..., Any]) -> int:
    """The number of requests that a route counts as."""
    return int(getattr(view, _COST, 1))


def counts_users(view: Callable[..., Any]) -> bool:
    """Whether a route counts by user."""
    return _class(view) == _API


def is_exempt(view: Callable[..., Any]) -> bool:
    """Whether a route is never counted."""
    return getattr(view, _MARK, _API) == _EXEMPT


def register(app: Flask, settings: Settings) -> None:
    """Count every request of `app`; one too many is answered with 429."""
    _trust_proxies(app, settings.trusted_proxies)
    app.before_request(_count)
    app.after_request(_tell)


def _count() -> None:
    """Count the request in its windows, and read its session on the way."""
    view = current_app.view_functions.get(request.endpoint or "")
    if view is None or request.method == "OPTIONS" or is_exempt(view):
        return
    work = services()
    admitted = request.environ.get(admission.ADMISSION)
    if admitted is not None:
        pass
    elif _class(view) == _AUTH:
        admitted = work.admissions.admit(_of_strangers(work.settings))
    else:
        caller, session = _caller(view)
        windows = windows_of(work.settings, caller, cost_of(view), _presented_key())
        admitted = work.admissions.admit(windows, session=session)
    _require_admission(admitted)


def count_extra(requests: int) -> None:
    """Count the present request of a user as so many more, once its cost is known.

    Raises:
        errors.Problem: 429.
    """
    if requests <= 0:
        return
    work = services()
    caller = of_user(access.principal().user_id)
    windows = windows_of(work.settings, caller, requests, _presented_key())
    _require_admission(work.admissions.admit(windows))


def _require_admission(admitted: admission.Admission) -> None:
    admission.keep(admitted)
    if admitted.refused is not None:
        raise too_many(admitted.refused)


def windows_of(
    settings: Settings, caller: str, cost: int, key: PresentedKey | None = None
) -> list[Window]:
    """The windows of a request that takes no credentials.

    Args:
        settings: have the amounts.
        caller: who is counted.
        cost: as how many requests it counts.
        key: the API key with which it came.
    """
    seconds = settings.rate_limit_window_seconds
    windows = [Window(_API, caller, settings.rate_limit_api, seconds, cost)]
    if key is not None:
        windows.append(Window(_KEY, f"key:{key.id}", settings.rate_limit_key, seconds, cost))
    return windows


def of_user(user_id: UUID) -> str:
    """The name that a user is counted by."""
    return f"user:{user_id}"


def _of_strangers(settings: Settings) -> list[Window]:
    seconds = settings.rate_limit_window_seconds
    return [
        Window(_AUTH, _address(), settings.rate_limit_auth, seconds),
        Window(_FAILURES, _address(), settings.rate_limit_auth_failures, seconds, counts=False),
    ]


def _trust_proxies(app: Flask, hops: int) -> None:
    """Trust the headers of so many reverse proxies; without any, headers are a stranger's claims."""
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]


def _class(view: Callable[..., Any]) -> str:
    return str(getattr(view, _MARK, _API))


def _caller(view: Callable[..., Any]) -> tuple[str, str]:
    """The name that the caller is counted by, and the key of the session that the cache may have."""
    find = access.finder(view)
    if find is not None:
        return _found(find), ""
    key = _presented_key()
    if key is not None:
        return of_user(key.user_id), ""
    named = access_tokens.presented()
    if named is None:
        return _address(), ""
    user_id, session_id = named
    return of_user(user_id), session_cache.key(session_id)


def _found(find: access.Finder) -> str:
    """The caller of a route with a finder of its own. Where the database does not answer the address counts."""
    try:
        caller = find()
    except DatabaseError:
        return _address()
    return _address() if caller is None else of_user(caller.user_id)


def _presented_key() -> PresentedKey | None:
    """The request's live API key; None without one. Where the database does not answer the address counts."""
    try:
        return request_key.find()
    except DatabaseError:
        return None


def _address() -> str:
    return f"address:{network(request.remote_addr or 'unknown')}"


def too_many(full: Standing) -> errors.Problem:
    """429 that says when to come back."""
    seconds = full.seconds_left
    return errors.Problem(429, headers={"Retry-After": str(seconds)}, extra={"retryAfter": seconds})


def headers(standings: Sequence[Standing]) -> dict[str, str]:
    """Headers of the limit that is nearest to its end, by the IETF draft and by older convention."""
    nearest = min(standings, key=lambda each: each.left)
    window, left = nearest.window, nearest.left
    return {
        "RateLimit-Policy": f'"{window.name}";q={window.amount};w={window.seconds}',
        "RateLimit": f'"{window.name}";r={left};t={nearest.seconds_left}',
        "X-RateLimit-Limit": str(window.amount),
        "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Reset": str(int(nearest.reset_at)),
    }


def _tell(answer: Response) -> Response:
    admitted = admission.of_request()
    if admitted is None:
        return answer
    standings = list(admitted.standings)
    failures = [each.window for each in standings if not each.window.counts]
    if failures and answer.status_code in _REFUSED:
        counted = [replace(window, counts=True) for window in failures]
        standings[-len(failures) :] = services().admissions.admit(counted).standings
    complete(answer.headers, headers(standings))
    return answer


def _marked(view: View, name: str) -> View:
    setattr(view, _MARK, name)
    return view
