"""Tax reports of the caller."""

from io import StringIO

from flask import Response

from coinsphere.analytics.events import TaxReportMade
from coinsphere.audit.events import Event
from coinsphere.billing.plans import PlanFeature
from coinsphere.portfolio.imports.statements.record import MONEY
from coinsphere.portfolio.tax import files, reading
from coinsphere.portfolio.tax.regimes import REGIMES, Regime
from coinsphere.portfolio.tax.report import Report
from webapi.analytics.happenings import happened
from webapi.billing import guard
from webapi.http import errors
from webapi.portfolios import scope
from webapi.security import audit
from webapi.tax import schemas

_TYPES = {"csv": "text/csv", "pdf": "application/pdf"}


def report(code: str, year: str, currency: str) -> Report:
    """The report of a tax year. Raises `errors.Problem`: 404 for an unknown regime or year, 400 for a currency, 402."""
    regime, wanted = _regime(code), _year(year)
    _require_rate(currency)
    with scope.connection() as conn:
        guard.require_feature(conn, PlanFeature.TAX_REPORTS)
        return reading.read(conn, scope.user_id(), regime, wanted, currency)


def file(code: str, year: str, currency: str, form: str) -> Response:
    """The report as a file, `csv` or `pdf`; the audit log records it. Raises `errors.Problem` as `report`."""
    regime, wanted = _regime(code), _year(year)
    _require_rate(currency)
    with scope.connection() as conn:
        guard.require_feature(conn, PlanFeature.TAX_REPORTS)
        computed = reading.read(conn, scope.user_id(), regime, wanted, currency)
        audit.record(
            conn, Event.TAX_REPORT_EXPORTED, actor_id=scope.user_id(),
            details={"regime": code, "year": wanted, "format": form},
        )  # fmt: skip
        happened(conn, TaxReportMade(code))
    answer = Response(_content(computed, form), mimetype=_TYPES[form])
    name = f"tax-{regime.code}-{wanted}.{form}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _content(computed: Report, form: str) -> bytes:
    if form == "pdf":
        return files.write_pdf(computed)
    text = StringIO(newline="")
    files.write_csv(computed, text)
    return text.getvalue().encode()


def _regime(code: str) -> Regime:
    if code not in REGIMES:
        raise errors.not_found("regime")
    return REGIMES[code]


def _year(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) == len("2025")
    if not is_number or not schemas.FIRST_YEAR <= int(text) <= schemas.LAST_YEAR:
        raise errors.not_found("year")
    return int(text)


def _require_rate(currency: str) -> None:
    if currency not in MONEY:
        fault = {"path": "currency", "message": "has no reference rate", "code": "currency"}
        raise errors.invalid([fault])
