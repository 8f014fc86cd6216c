"""How often one caller may ask: Flask-Limiter over a moving window, counted in Redis for all processes.

Without Redis, or with a slow one, each process counts for itself until it is back: the limits widen by the number of
processes, but the door is neither open nor shut.
"""

import math
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app, request
from flask_limiter import ApplicationLimit, Limiter, RateLimitExceeded
from psycopg import Error as DatabaseError
from redis import RedisError
from werkzeug.middleware.proxy_fix import ProxyFix

from coinsphere.networks import network
from coinsphere.redis_pool import GuardedPool
from coinsphere.settings import Settings
from webapi.api_keys import presented
from webapi.api_keys.queries import PresentedKey
from webapi.http import errors
from webapi.security import access, access_tokens, passwords

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "_limit"
_AUTH = "auth"
_EXEMPT = "exempt"
_API = "api"
_KEY = "key"
_COST = "_cost"
_REFUSED = frozenset((400, 401, 403))


def auth(view: View) -> View:
    """This route takes credentials: it counts by address, and its refusals once more."""
    return _marked(view, _AUTH)


def exempt(view: View) -> View:
    """This route is never counted."""
    return _marked(view, _EXEMPT)


def weighs(requests: int) -> Callable[[View], View]:
    """This route counts as so many requests: it costs the system as much."""

    def mark(view: View) -> View:
        setattr(view, _COST, requests)
        return view

    return mark


def cost_of(view: Callable[..., Any]) -> int:
    """As how many requests a route counts."""
    return int(getattr(view, _COST, 1))


def is_exempt(view: Callable[..., Any]) -> bool:
    """Whether a route is never counted."""
    return getattr(view, _MARK, _API) == _EXEMPT


def register(app: Flask, settings: Settings, pool: GuardedPool) -> None:
    """Count every request of `app`, in the Redis of `pool`; one too many is answered with 429."""
    _trust_proxies(app, settings.trusted_proxies)
    app.before_request(_refuse_late)
    limiter = Limiter(
        _caller,
        application_limits=_limits(settings),
        strategy="moving-window",
        storage_uri=settings.redis_dsn,
        # Its type knows plain values only; the storage of Redis takes a pool.
        storage_options=cast("Any", {"connection_pool": pool}),
        in_memory_fallback_enabled=True,
        # Applies only where Redis dies between a login and the counting of its failure: that one is not counted.
        swallow_errors=True,
        headers_enabled=False,
        key_prefix="coinsphere",
    )
    app.after_request(lambda answer: _add_headers(limiter, settings, answer))
    limiter.init_app(app)
    app.register_error_handler(RateLimitExceeded, _too_many(limiter))


def _refuse_late() -> None:
    """Refuse a login that has waited too long for a thread, before anything is counted or done for it."""
    if getattr(request.environ.get("gunicorn.socket"), "is_late", False):
        raise passwords.busy()


def _limits(settings: Settings) -> list[str | Callable[[], str] | ApplicationLimit]:
    seconds = settings.rate_limit_window_seconds
    return [
        ApplicationLimit(
            f"{settings.rate_limit_api} per {seconds} seconds",
            scope=_API,
            cost=_cost,
            exempt_when=lambda: _class() != _API,
        ),
        ApplicationLimit(
            f"{settings.rate_limit_key} per {seconds} seconds",
            key_function=_key,
            scope=_KEY,
            cost=_cost,
            exempt_when=lambda: _class() != _API or _presented_key() is None,
        ),
        ApplicationLimit(
            f"{settings.rate_limit_auth} per {seconds} seconds",
            key_function=_address,
            scope=_AUTH,
            exempt_when=lambda: _class() != _AUTH,
        ),
        ApplicationLimit(
            f"{settings.rate_limit_auth_failures} per {seconds} seconds",
            key_function=_address,
            scope="auth-failures",
            exempt_when=lambda: _class() != _AUTH,
            deduct_when=lambda answer: answer.status_code in _REFUSED,
        ),
    ]


def _trust_proxies(app: Flask, hops: int) -> None:
    """Believe what so many reverse proxies say of the caller's address; with none, headers are a stranger's words."""
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]


def _class() -> str:
    if request.method == "OPTIONS":
        return _EXEMPT
    view = current_app.view_functions[request.endpoint or ""]
    return str(getattr(view, _MARK, _API))


def _cost() -> int:
    return cost_of(current_app.view_functions[request.endpoint or ""])


def _caller() -> str:
    find = access.finder(current_app.view_functions[request.endpoint or ""])
    if find is not None:
        return _found(find)
    key = _presented_key()
    if key is not None:
        return f"user:{key.user_id}"
    user = access_tokens.presented_user()
    return _address() if user is None else f"user:{user}"


def _found(find: access.Finder) -> str:
    """Who asks of a route with its own way to find out. Where the database is away the address counts."""
    try:
        caller = find()
    except DatabaseError:
        return _address()
    return _address() if caller is None else f"user:{caller.user_id}"


def _key() -> str:
    key = _presented_key()
    return _address() if key is None else f"key:{key.id}"


def _presented_key() -> PresentedKey | None:
    """The request's API key; None if it has no live one. Where the database is away the address counts."""
    try:
        return presented.find()
    except DatabaseError:
        return None


def _address() -> str:
    return f"address:{network(request.remote_addr or 'unknown')}"


def _too_many(limiter: Limiter) -> Callable[[RateLimitExceeded], Response]:
    def answer(_: RateLimitExceeded) -> Response:
        limit = limiter.current_limit
        seconds = _seconds_left(limit.reset_at) if limit is not None else errors.RETRY_SECONDS
        return errors.response(
            errors.Problem(
                429, headers={"Retry-After": str(seconds)}, extra={"retryAfter": seconds}
            )
        )

    return answer


def _add_headers(limiter: Limiter, settings: Settings, answer: Response) -> Response:
    """The limit that is nearest to its end: as the IETF draft writes it, and as old clients read it."""
    try:
        current = [
            (limit.remaining, limit.limit.amount, limit.reset_at, limit.request_args)
            for limit in limiter.current_limits
        ]
    except RedisError:
        return answer
    if not current:
        return answer
    remaining, amount, reset_at, names = min(current, key=lambda limit: limit[0])
    window = settings.rate_limit_window_seconds
    name, seconds = names[-1], min(window, _seconds_left(reset_at))
    answer.headers["RateLimit-Policy"] = f'"{name}";q={amount};w={window}'
    answer.headers["RateLimit"] = f'"{name}";r={remaining};t={seconds}'
    answer.headers["X-RateLimit-Limit"] = str(amount)
    answer.headers["X-RateLimit-Remaining"] = str(remaining)
    answer.headers["X-RateLimit-Reset"] = str(reset_at)
    return answer


def _seconds_left(reset_at: int) -> int:
    # The limiter counts by the machine's clock, so does what is left.
    return max(1, math.ceil(reset_at - time.time()))


def _marked(view: View, name: str) -> View:
    setattr(view, _MARK, name)
    return view
