"""Submitted forms: their values, checked by the API's own models, and the errors shown beside each field."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from flask import Response, request
from pydantic import BaseModel

from webapi.http.errors import Problem
from webapi.http.schema import check
from webui import rendering, requests
from webui.api_messages import in_words
from webui.i18n import gettext
from webui.security import cookies, forms

Given = TypeVar("Given", bound=BaseModel)
Act = Callable[[], Response]
_SECRET = ("password", "token", "code")
"""What holds one of these in its name is never written back into a page, but for these, which name tokens that are traded."""
_NO_SECRET = frozenset(("tokenSymbol", "counterTokenSymbol", "feeToken"))
_DIGITS = 8
_SHOWN_IN_FORM = frozenset((400, 401, 402, 403, 409, 422, 429, 503))


@dataclass(frozen=True, slots=True)
class Submission:
    """A form as a template shows it: values to be corrected, and what is wrong, by field and of the whole."""

    values: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None

    def value(self, name: str) -> str:
        """What stood in a field."""
        return self.values.get(name, "")

    def fault(self, name: str) -> str | None:
        """What is wrong with it."""
        return self.faults.get(name)


EMPTY = Submission()


def given(model: type[Given], without: Collection[str] = frozenset(), /, **more: Any) -> Given:
    """The present form as `model` has it; an empty field counts as left out.

    Args:
        model: what is asked for.
        without: fields of the form that are none of the model's.
        more: what the form says in another way.

    Raises:
        errors.Problem: 400 that names each wrong field.
    """
    requests.refuse_unstorable(request.form)
    values: dict[str, Any] = {
        name: value
        for name, value in request.form.items()
        if value and name != forms.FIELD and name not in without
    }
    return check(model, values | more)


def instant(name: str) -> dict[str, str]:
    """A field of date and time, which browsers send without a zone, by the reader's clock; nothing where it is empty.

    An hour that a clock showed twice is the first of them; what is no time is left for the model to refuse.
    """
    value = request.form.get(name, "")
    zone = cookies.time_zone()
    if not value or zone is None:
        return {name: f"{value}Z"} if value else {}
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return {name: value}
    return {name: at.replace(tzinfo=ZoneInfo(zone)).isoformat()}


def whole(name: str) -> dict[str, int]:
    """A field of a whole number, as the models take it; nothing where it is empty.

    What is no number, or is longer than any that we take, becomes -1, which the models refuse.
    """
    text = request.form.get(name, "")
    if not text:
        return {}
    return {name: int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else -1}


def emptied(*names: str) -> dict[str, None]:
    """Those of the fields that are empty, as none: for a change, where one that is left out stays as it is."""
    return {name: None for name in names if not request.form.get(name)}


def answered(act: Act, template: str, **values: Any) -> Response:
    """What `act` answers; where it refuses, the form again with what is wrong, and with the refusal's status.

    Args:
        act: does what the form is for.
        template: shows the form, as `form`.
        values: what else the template needs.
    """
    return attempted(act, lambda form: rendering.page(template, form=form, **values))


def attempted(act: Act, show: Callable[["Submission"], Response]) -> Response:
    """As `answered`, with a page that `show` makes of the form; what it needs is looked up then alone."""
    try:
        return act()
    except Problem as problem:
        if problem.status not in _SHOWN_IN_FORM or problem.code in ("step-up", "switched-off"):
            raise
        answer = show(of(problem))
        answer.status_code = problem.status
        answer.headers.extend(problem.headers)
        return answer


def of(problem: Problem) -> Submission:
    """The present form, with what `problem` says of it."""
    faults = {each["path"]: _sentence(each["message"]) for each in problem.extra.get("details", ())}
    kept = {
        name: value
        for name, value in request.form.items()
        if name in _NO_SECRET or not any(part in name.lower() for part in _SECRET)
    }
    return Submission(
        kept, faults, None if faults.keys() & request.form.keys() else _of_whole(problem)
    )


def of_code(problem: Problem) -> Submission:
    """A page that asks for a code, after one that was not good; after too many the problem says so itself."""
    is_wrong = problem.code == "two-factor"
    text = (
        gettext("That code is wrong, or was used before.")
        if is_wrong
        else _sentence(problem.detail)
    )
    return Submission(faults={"twoFactorToken": text})


def _of_whole(problem: Problem) -> str:
    details = problem.extra.get("details")
    return _sentence(details[0]["message"] if details else problem.detail)


def _sentence(message: str) -> str:
    text = in_words(message)
    is_done = text.endswith((".", "!", "?"))
    return f"{text[:1].upper()}{text[1:]}" + ("" if is_done else ".") if text else text
