"""Models' status, with links to where they are worked on: MLflow and Dagster."""

from datetime import timedelta
from urllib.parse import quote

from flask import Blueprint, Response

from webapi.services import services
from webui import rendering
from webui.pages.admin import model_queries
from webui.security.access import analyst

web_admin_models = Blueprint("web_admin_models", __name__)
_LATELY = timedelta(days=3)
_VIEW = "?workflowType=machine_learning"
"""MLflow shows its pages of language models without it, and on pages that lose it: its list of models, and a run by its id alone."""


@web_admin_models.get("/admin/models")
@analyst
def models() -> Response:
    """Who issues forecasts, how versions were judged, which alarms stand."""
    work = services()
    with work.database.connection() as conn:
        known = model_queries.everything(conn, work.clock() - _LATELY)
    return rendering.page(
        "admin/models.html",
        **known,
        version=_version,
        dagster_run=lambda run_id: (
            f"{work.settings.orchestrator_url}/runs/{quote(run_id, safe='')}"
        ),
        mlflow=f"{work.settings.tracking_url}/#/experiments{_VIEW}",
        dagster=work.settings.orchestrator_url,
    )


def _version(name: str, number: int) -> str:
    address = f"{services().settings.tracking_url}/#/models"
    return f"{address}/{quote(name, safe='')}/versions/{number}{_VIEW}"
