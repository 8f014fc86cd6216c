"""Step-up: acts that require a proof of presence within the last five minutes."""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from webapi.http import errors
from webapi.security import access, sessions
from webapi.services import services

View = TypeVar("View", bound=Callable[..., Any])
FRESH = timedelta(minutes=5)
_MARK = "_step_up"


def step_up(view: View) -> View:
    """Marks a route that requires a recent login or step-up; put it below the decorator of access."""

    @wraps(view)
    def checked(*args: Any, **kwargs: Any) -> Any:
        require()
        return view(*args, **kwargs)

    setattr(checked, _MARK, True)
    return cast("View", checked)


def is_needed(view: Callable[..., Any]) -> bool:
    """Whether a route requires it."""
    return bool(getattr(view, _MARK, False))


def require() -> None:
    """Raise unless the caller has proved to be present within `FRESH`.

    Raises:
        errors.Problem: 403 with `requiresStepUp: true`.
    """
    work = services()
    since = work.clock() - FRESH
    with work.database.connection() as conn:
        is_fresh = sessions.is_fresh(conn, access.principal().session_id, since)
    if not is_fresh:
        raise errors.Problem(
            403,
            "a recent login is needed",
            detail="Give your password or a code at /auth/step-up, then try again.",
            code="step-up",
            extra={"requiresStepUp": True},
        )
