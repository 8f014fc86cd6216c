"""Tax reports: a year by the rules of a country, and its files."""

from flask import Blueprint, Response, request

from coinsphere.portfolio.tax.files import DISCLAIMER
from coinsphere.portfolio.tax.regimes import REGIMES
from webapi.security import limits
from webapi.services import services
from webapi.tax import use_cases
from webui import rendering
from webui.security.access import signed_in

web_tax = Blueprint("web_tax", __name__)
_YEARS = 10
_SHOWN = 100


@web_tax.get("/tax")
@signed_in
@limits.weighs(20)
def report() -> Response:
    """The report that is chosen, the last full year at first."""
    this_year = services().clock().year
    regime = request.args.get("regime", "generic")
    year = request.args.get("year", str(this_year - 1))
    tax_report = use_cases.report(regime, year, _currency())
    return rendering.page(
        "tax/index.html", report=tax_report, regimes=REGIMES.values(), years=range(this_year, this_year - _YEARS, -1),
        disclaimer=DISCLAIMER, most=_SHOWN, currency=_currency(),
    )  # fmt: skip


@web_tax.get("/tax/<regime>/<year>/<any(csv, pdf):form>")
@signed_in
@limits.weighs(20)
def file(regime: str, year: str, form: str) -> Response:
    """The report as a file."""
    return use_cases.file(regime, year, _currency(), form)


def _currency() -> str:
    return request.args.get("currency", "USD")
