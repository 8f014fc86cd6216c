"""The style guide: every component of the pages with made-up content, for those who build pages."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from flask import Blueprint, Response

from webapi.http import errors
from webapi.services import services
from webui import charts, icons, rendering
from webui.pages.submissions import Submission
from webui.security.access import anyone

web_styleguide = Blueprint("web_styleguide", __name__)

_SHEET = Path(__file__).parents[2] / "static" / "app.css"
_ORIGIN = datetime(2026, 1, 31, tzinfo=UTC)
_CLOSES = [Decimal(100 + (day * 37) % 11 + day // 3) for day in range(45)]
_FILLED = Submission(
    values={"name": "Savings", "amount": "1,5x", "currency": "EUR"},
    faults={"amount": "This is no number."},
    problem="Something is wrong in the form: look at the fields that are marked.",
)


def _example(days: int) -> charts.Range:
    """A made-up forecast of one horizon, symmetric around the last close."""
    deviation = Decimal("0.02") * Decimal(days).sqrt()
    bounds = [
        _CLOSES[-1] * (1 + deviation * Decimal(times))
        for times in ("-1.96", "-1.28", "0", "1.28", "1.96")
    ]
    return charts.Range(days, _ORIGIN + timedelta(days=days), *bounds)


@web_styleguide.get("/styleguide")
@anyone
def styleguide() -> Response:
    """All components on one page.

    Raises:
        errors.Problem: 404 in production, where it would tell users nothing.
    """
    if services().settings.environment == "production":
        raise errors.not_found("page")
    days = range(len(_CLOSES), 0, -1)
    past = [
        (_ORIGIN - timedelta(days=day - 1), close) for day, close in zip(days, _CLOSES, strict=True)
    ]
    points = [_example(horizon) for horizon in (1, 7, 14, 30)]
    return rendering.page(
        "styleguide/index.html",
        colours=_custom_properties(r"#[0-9a-f]{6}"),
        sizes=_custom_properties(r"[^;]*rem[^;]*", prefix="text-"),
        icons=icons.NAMES,
        form=_FILLED,
        picture=charts.fan(past, points),
        d=Decimal,
        spark=charts.sparkline(_CLOSES),
    )


def _custom_properties(value: str, prefix: str = "") -> list[str]:
    """Names of the style sheet's custom properties with such a value, each once, in its order."""
    names = re.findall(rf"^\s+--({prefix}[\w-]+): {value};", _SHEET.read_text(), re.MULTILINE)
    return list(dict.fromkeys(names))
