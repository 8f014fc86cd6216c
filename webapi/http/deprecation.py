"""Retires routes: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), and 410 after the sunset."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app, request

from webapi.http import errors
from webapi.services import services

View = TypeVar("View", bound=Callable[..., Any])
_MARK = "_deprecated"


@dataclass(frozen=True, slots=True)
class Retirement:
    """When a route is deprecated, when it ends, and where people read what to use instead."""

    since: datetime
    sunset: datetime
    link: str

    def __post_init__(self) -> None:
        if self.sunset < self.since:
            raise ValueError("a route cannot end before it is deprecated")


def deprecated(*, since: datetime, sunset: datetime, link: str) -> Callable[[View], View]:
    """This route is deprecated from `since` on and gone from `sunset` on, both in UTC; `link` says what takes its place."""
    retirement = Retirement(since, sunset, link)

    def mark(view: View) -> View:
        setattr(view, _MARK, retirement)
        return view

    return mark


def of(view: Callable[..., Any]) -> Retirement | None:
    """The retirement of a route; None if it stays."""
    return cast("Retirement | None", getattr(view, _MARK, None))


def register(app: Flask) -> None:
    """Tell with every answer of a deprecated route that it is one, its refusals and its 410 too."""
    app.after_request(_announce)


def has_ended(view: Callable[..., Any], now: datetime) -> bool:
    """Whether a route is gone."""
    retirement = of(view)
    return retirement is not None and now >= retirement.sunset


def refuse_after_sunset(view: Callable[..., Any]) -> None:
    """Raise `errors.Problem` with status 410 where the route has ended."""
    retirement = of(view)
    if retirement is not None and has_ended(view, services().clock()):
        raise errors.Problem(410, detail=f"It ended; {retirement.link} says what to use instead.")


def _announce(answer: Response) -> Response:
    view = current_app.view_functions.get(request.endpoint or "")
    retirement = of(view) if view is not None else None
    if retirement is not None:
        answer.headers["Deprecation"] = f"@{int(retirement.since.timestamp())}"
        answer.headers["Sunset"] = format_datetime(retirement.sunset, usegmt=True)
        answer.headers.add("Link", f'<{retirement.link}>; rel="deprecation"')
        answer.headers.add("Link", f'<{retirement.link}>; rel="sunset"')
    return answer
