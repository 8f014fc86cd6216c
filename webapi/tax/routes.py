"""Tax reports: what was realised and earned in a year, by the rules of a country."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from coinsphere.portfolio.tax.files import DISCLAIMER
from coinsphere.portfolio.tax.regimes import REGIMES
from webapi.security import limits
from webapi.security.access import signed_in
from webapi.tax import schemas, use_cases

tax = APIBlueprint("tax", __name__, tag="Portfolios")

_FILE: dict[int | str, dict[str, str | dict[str, dict[str, Any]]]] = {
    200: {
        "description": "The file.",
        "content": {"text/csv": {"schema": {}}, "application/pdf": {"schema": {}}},
    }
}


@tax.get("/regimes")
@signed_in
@tax.output(schemas.RegimesOut)
def list_regimes() -> dict[str, Any]:
    """The rules by which a report can be made."""
    return {
        "regimes": [
            {
                "code": each.code,
                "name": each.name,
                "currency": each.currency,
                "begins": f"{each.begins[0]:02}-{each.begins[1]:02}",
                "says": list(each.says),
            }
            for each in REGIMES.values()
        ]
    }


@tax.get("/<regime>/<year>")
@signed_in
@limits.weighs(20)
@tax.input(schemas.TaxQuery, location="query")
@tax.output(schemas.TaxReportOut)
def get_tax_report(regime: str, year: str, query_data: schemas.TaxQuery) -> dict[str, Any]:
    """A tax year of all one's portfolios: what is unknown, sums, limits, and the first disposals.

    The year is the calendar year in which the tax year begins: 2024 is the United Kingdom's 2024/25.
    """
    return schemas.shown(use_cases.report(regime, year, query_data.currency)) | {
        "notice": DISCLAIMER
    }


@tax.get("/<regime>/<year>/file")
@signed_in
@limits.weighs(20)
@tax.input(schemas.TaxFileQuery, location="query")
@tax.doc(responses=_FILE)
def get_tax_file(regime: str, year: str, query_data: schemas.TaxFileQuery) -> Response:
    """The same as a file: CSV with every line, or a PDF."""
    return use_cases.file(regime, year, query_data.currency, query_data.format)
