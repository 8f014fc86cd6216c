"""The values of a portfolio as a file of rows, one a day."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from flask import Response

from coinsphere import arrow_files
from coinsphere.portfolio.model import EXACT, UNIT
from webapi.http import tables
from webapi.portfolios.performance import answers
from webapi.portfolios.performance.schemas import PerformanceQuery

COLUMNS = (
    ("date", arrow_files.DAY),
    ("currency", arrow_files.TEXT),
    ("value", arrow_files.DECIMAL),
    ("cost", arrow_files.DECIMAL),
    ("growth", arrow_files.DECIMAL),
    ("benchmark", arrow_files.DECIMAL),
    ("filled_assets", arrow_files.COUNT),
    ("unpriced_assets", arrow_files.COUNT),
    ("is_live", arrow_files.FLAG),
    ("rate_date", arrow_files.DAY),
)
_EVERY_DAY = 20_000
"""More than there are since the first token."""


def answer(portfolio_id: str, asked: PerformanceQuery, form: tables.Form) -> Response:
    """The values of each day. Raises `errors.Problem`: 400 or 404."""
    body = answers.performance(portfolio_id, asked, most=_EVERY_DAY)
    with tables.sending() as file:
        with tables.fitting():
            rows = (_row(point, body["currency"]) for point in body["performance"])
            arrow_files.write(rows, COLUMNS, file, form)
        return tables.attachment(file, f"values-{body['portfolioId']}", form)


def _row(point: Mapping[str, Any], currency: str) -> tuple[Any, ...]:
    return (
        date.fromisoformat(point["date"]),
        currency,
        *(_fitting(point[name]) for name in ("value", "cost", "growth", "benchmark")),
        point["filledAssets"],
        point["unpricedAssets"],
        point["isLive"],
        point["rateDate"],
    )


def _fitting(number: Decimal | None) -> Decimal | None:
    """A number of the portfolio's own currency as it is; what a rate made of it has more than 18 digits behind the point."""
    return None if number is None else number.quantize(UNIT, context=EXACT)
