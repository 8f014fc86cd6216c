"""A portfolio that its owner shares, for whoever has the link."""

from datetime import UTC, datetime

from flask import Blueprint, Response

from webapi.shared import shared_portfolio
from webui import rendering
from webui.charts import Row, Series
from webui.security.access import anyone

web_shared = Blueprint("web_shared", __name__)


@web_shared.get("/shared/<secret>")
@anyone
def shared(secret: str) -> Response:
    """The composition and growth of a shared portfolio; amounts only where its owner allows."""
    body = shared_portfolio.open_link(secret)
    grown = [
        Row(datetime.fromisoformat(each["date"]).replace(tzinfo=UTC), (each["growth"],))
        for each in body["performance"]
    ]
    answer = rendering.page(
        "shared/index.html", shared=body, series=Series.of(grown) if len(grown) > 1 else None
    )
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer
