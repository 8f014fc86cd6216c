"""Flags: their rules as JSON, which administrators change; and the experiments that they make."""

from flask import Blueprint, Response, request

from coinsphere.experiments.analysis import UNSOUND
from coinsphere.experiments.catalogue import Metric
from coinsphere.experiments.report import Verdict
from coinsphere.i18n import N_
from webapi.flags import use_cases
from webapi.flags.schemas import RuleOut, RulesIn
from webapi.http import errors, json
from webapi.http.errors import Problem
from webapi.http.schema import check
from webapi.security import access
from webui import rendering
from webui.i18n import gettext
from webui.pages import flash_messages, submissions
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import admin, analyst

web_flags = Blueprint("web_flags", __name__)
_PAGE = "/admin/flags"
METRICS = {
    Metric.ALERT_USEFUL: N_("called an alert useful"),
    Metric.ALERT_NOT_USEFUL: N_("called an alert not useful"),
    Metric.ALERT_ENDED: N_("ended an alert"),
}
VERDICTS: dict[Verdict, str] = {
    "unsound": N_("nothing"),
    "too few": N_("too few users"),
    "open": N_("no difference yet"),
    "better": N_("better"),
    "worse": N_("worse"),
}


@web_flags.get(_PAGE)
@analyst
def listed() -> Response:
    """Every flag with its rules."""
    return _page(EMPTY)


@web_flags.post(f"{_PAGE}/<flag>")
@admin
def change(flag: str) -> Response:
    """Give a flag other rules."""

    def act() -> Response:
        use_cases.change(flag, _given())
        return flash_messages.lead_to(
            _PAGE, gettext("Changed; every process follows within two seconds.")
        )

    return submissions.attempted(act, lambda form: _page(form, flag))


@web_flags.get("/admin/experiments")
@admin
def experiments() -> Response:
    """What runs, who takes part, and what it says so far."""
    return rendering.page(
        "admin/experiments.html",
        reports=use_cases.experiments(),
        metrics=METRICS,
        verdicts=VERDICTS,
        unsound=UNSOUND,
    )


def _given() -> RulesIn:
    """The rules that were filled in. Raises `errors.Problem`: 400 that says which of them is wrong, and why."""
    try:
        rules = json.loads(request.form.get("rules", ""))
    except ValueError as error:
        fault = {"path": "rules", "message": f"this is no JSON: {error}", "code": "json"}
        raise errors.invalid([fault]) from None
    try:
        return check(RulesIn, {"rules": rules})
    except Problem as problem:
        details = problem.extra["details"]
        under_rules = [{**each, "path": "rules", "message": ": ".join((each["path"], each["message"]))} for each in details]  # fmt: skip
        raise errors.invalid(under_rules) from None


def _page(form: Submission, edited: str | None = None) -> Response:
    flags = use_cases.listed()
    written = {each["flag"]: _written(each["rules"]) for each in flags}
    return rendering.page(
        "admin/flags.html",
        flags=flags,
        written=written,
        form=form,
        edited=edited,
        empty=EMPTY,
        may_change=access.principal().role == "admin",
    )


def _written(rules: list[dict[str, object]]) -> str:
    """Rules as JSON, one on a line; conditions that leave anybody in are left out."""
    shown = [RuleOut.model_validate(rule).model_dump(mode="json", by_alias=True) for rule in rules]
    lines = [
        json.dumps({name: value for name, value in each.items() if value}).decode()
        for each in shown
    ]
    return "[\n" + ",\n".join(f"  {line}" for line in lines) + "\n]" if lines else "[]"
