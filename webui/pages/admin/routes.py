"""Administration: how the system is, the audit log with its chain's verdict, feature switches."""

from flask import Blueprint, Response, request

from coinsphere.audit import anchoring, verification
from coinsphere.audit.events import Event
from coinsphere.audit.verification import Verdict
from coinsphere.jobs import records
from coinsphere.market.quality import set_aside
from coinsphere.security.symmetric_keys import SymmetricKeys
from webapi.admin import use_cases
from webapi.admin.schemas import AuditQuery, SwitchIn
from webapi.health import probes
from webapi.http.schema import check
from webapi.security import access, limits
from webapi.services import services
from webui import rendering
from webui.i18n import gettext
from webui.pages import flash_messages, query_parameters, submissions
from webui.security.access import admin, analyst

web_administration = Blueprint("web_administration", __name__)
_FEATURES = "/admin/features"


@web_administration.get("/admin")
@analyst
def overview() -> Response:
    """How each part of the system is, and what waits for somebody."""
    work = services()
    states, rows_set_aside = probes.states(work)
    with work.database.connection() as conn:
        depths = records.depths(conn)
        refused = use_cases.data_status()["quotes"].quarantined
        rows_set_aside = set_aside.count(conn) if rows_set_aside is None else rows_set_aside
    ill = sum(each.jobs for each in depths if each.state in records.ILL)
    return rendering.page(
        "admin/index.html", states=states, held=rows_set_aside, jobs=ill, refused=refused
    )


@web_administration.get("/admin/audit")
@admin
@limits.weighs(5)
def audit_log() -> Response:
    """Entries of the audit log, and whether anybody changed it; the whole chain is read when that is asked for."""
    work = services()
    query = check(AuditQuery, query_parameters.given("action", "actorId", "cursor"))
    with work.database.connection() as conn:
        shown, following = use_cases.audit_entries(conn, query)
    is_whole = request.args.get("whole") == "1"
    return rendering.page(
        "admin/audit.html",
        entries=shown,
        next_cursor=following,
        events=list(Event),
        query=query,
        is_whole=is_whole,
        verdict=_verdict(is_whole=is_whole),
    )


@web_administration.get(_FEATURES)
@analyst
def switches() -> Response:
    """What can be turned off, and whether it is on."""
    may_switch = access.principal().role == "admin"
    return rendering.page(
        "admin/features.html", features=use_cases.switches(), may_switch=may_switch
    )


@web_administration.post(f"{_FEATURES}/<feature>")
@admin
def switch(feature: str) -> Response:
    """Turn a feature on or off."""
    is_on = request.form.get("isOn") == "true"
    use_cases.switch(feature, submissions.given(SwitchIn, isOn=is_on))
    return flash_messages.lead_to(
        _FEATURES, gettext("Turned on.") if is_on else gettext("Turned off; every page follows.")
    )


def _verdict(*, is_whole: bool) -> Verdict:
    """Of the entries since the newest anchor, or of all."""
    settings = services().settings
    anchors = anchoring.read_anchors(settings.audit_anchors)
    after = anchors[-1] if anchors and not is_whole else None
    with services().database.connection() as conn:
        return verification.verify(conn, SymmetricKeys(settings.audit_keys), anchors, after=after)
