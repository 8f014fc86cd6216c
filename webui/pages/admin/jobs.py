"""Background jobs that failed for good or are stuck: tried again, or cancelled."""

from flask import Blueprint, Response

from webapi.admin.jobs import use_cases
from webapi.admin.jobs.schemas import ListQuery
from webapi.http.schema import check
from webapi.security.step_up import step_up
from webui import rendering
from webui.i18n import gettext
from webui.pages import flash_messages, query_parameters
from webui.security.access import admin

web_admin_jobs = Blueprint("web_admin_jobs", __name__)
_PAGE = "/admin/jobs"


@web_admin_jobs.get(_PAGE)
@admin
def jobs() -> Response:
    """The newest failed or stuck jobs."""
    entries, following = use_cases.listed(check(ListQuery, query_parameters.given("cursor")))
    return rendering.page("admin/jobs.html", jobs=entries, next_cursor=following)


@web_admin_jobs.post(f"{_PAGE}/<job_id>/retry")
@admin
def retry(job_id: str) -> Response:
    """Try a failed job again now."""
    use_cases.retry(job_id)
    return flash_messages.lead_to(_PAGE, gettext("It is tried again."))


@web_admin_jobs.post(f"{_PAGE}/<job_id>/cancel")
@admin
@step_up
def cancel(job_id: str) -> Response:
    """Forget a job: its work will not be done."""
    use_cases.cancel(job_id)
    return flash_messages.lead_to(_PAGE, gettext("It is forgotten; its work will not be done."))
