"""One's portfolios: the list, and of each its holdings, value over time and issues."""

from typing import Any

from flask import Blueprint, Response, request
from psycopg import Connection

from coinsphere.analytics.events import ForecastViewed, PortfolioViewed
from coinsphere.portfolio import issues, sharing
from coinsphere.portfolio.imports.statements.record import MONEY
from coinsphere.portfolio.model import ZERO
from coinsphere.portfolio.performance import realised_gains
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation import current_holdings, daily_growth
from webapi.analytics.happenings import happened
from webapi.portfolios import overview, queries, scope, use_cases
from webapi.portfolios.schemas import PortfolioChange, PortfolioIn
from webapi.security import limits
from webapi.services import services
from webui import rendering
from webui.i18n import gettext
from webui.pages import flash_messages, submissions, tokens
from webui.pages.dashboard import portfolio_forecast
from webui.pages.portfolios import table, value_history
from webui.pages.portfolios.table import Order
from webui.pages.submissions import EMPTY, Submission
from webui.security import cookies
from webui.security.access import signed_in

web_portfolios = Blueprint("web_portfolios", __name__)
_LIST = "/portfolios"
_ISSUES = 20
_CURRENCIES = [(code, code) for code in sorted(MONEY)]


@web_portfolios.get("/portfolios")
@signed_in
def portfolios() -> Response:
    """All portfolios; who has none is led to the first."""
    return _listing(EMPTY)


@web_portfolios.post("/portfolios")
@signed_in
def create() -> Response:
    """Make a portfolio, and go there."""

    def act() -> Response:
        wanted = submissions.given(PortfolioIn)
        with scope.connection() as conn:
            created = use_cases.create(conn, wanted)
        text = gettext("Your portfolio is there. Now bring in what you have.")
        return flash_messages.lead_to(f"{_LIST}/{created.id}", text)

    return submissions.attempted(act, _listing)


@web_portfolios.get("/portfolios/<portfolio_id>")
@signed_in
def portfolio(portfolio_id: str) -> Response:
    """A portfolio: its holdings, value over time and risk."""
    order = Order.asked(request.args.get("sort", ""), request.args.get("way", ""))
    with scope.connection() as conn:
        stored = scope.find(conn, portfolio_id)
        values = _held(conn, stored, order)
        values["course"] = value_history.of(conn, stored)
        values["tokens"] = tokens.all_of(conn)
        values["issues"] = issues.list_for(
            conn, scope.user_id(), stored.id, state="open", limit=_ISSUES
        )
        happened(conn, PortfolioViewed())
    return rendering.page(
        "portfolios/portfolio.html",
        portfolio=stored,
        order=order,
        spans=value_history.SPANS,
        wanted=request.args.get("q", "").strip(),
        **values,
    )


@web_portfolios.get("/portfolios/<portfolio_id>/outlook")
@signed_in
@limits.weighs(5)
def range_ahead(portfolio_id: str) -> Response:
    """The forecast of a portfolio's value; htmx loads it after the page."""
    with scope.connection() as conn:
        stored = scope.find(conn, portfolio_id)
        forecast = portfolio_forecast.of_one(conn, scope.user_id(), stored, services().clock())
        happened(conn, ForecastViewed("portfolio"))
    return rendering.page("dashboard/outlook.html", outlook=forecast, is_wide=True)


@web_portfolios.get("/portfolios/<portfolio_id>/trail")
@signed_in
def trail(portfolio_id: str) -> Response:
    """How the returns were computed: money in and out, and the days between."""
    with scope.connection() as conn:
        stored = scope.find(conn, portfolio_id)
        course = value_history.trail(conn, stored)
    return rendering.page(
        "portfolios/trail.html", portfolio=stored, trail=course, spans=value_history.SPANS,
        percent=daily_growth.percent,
    )  # fmt: skip


@web_portfolios.get("/portfolios/<portfolio_id>/settings")
@signed_in
def settings(portfolio_id: str) -> Response:
    """The settings of a portfolio: name, booking, share links, deletion."""
    return settings_page(portfolio_id)


@web_portfolios.post("/portfolios/<portfolio_id>/settings")
@signed_in
def change(portfolio_id: str) -> Response:
    """Change name, currency or booking."""

    def act() -> Response:
        emptied = {} if request.form.get("description") else {"description": None}
        changes = submissions.given(PortfolioChange, **emptied)
        with scope.connection() as conn:
            use_cases.change(conn, portfolio_id, changes)
        return flash_messages.lead_to(f"{_LIST}/{portfolio_id}", gettext("Saved."))

    return submissions.attempted(act, lambda form: settings_page(portfolio_id, form))


@web_portfolios.post("/portfolios/<portfolio_id>/delete")
@signed_in
def delete(portfolio_id: str) -> Response:
    """Delete a portfolio with all that is in it."""
    with scope.connection() as conn:
        use_cases.delete(conn, portfolio_id)
    return flash_messages.lead_to(_LIST, gettext("The portfolio is deleted."))


def settings_page(portfolio_id: str, form: Submission = EMPTY, link: str | None = None) -> Response:
    """The page of settings; `link` is a new one, shown this once."""
    with scope.connection() as conn:
        stored = scope.find(conn, portfolio_id)
        shares = sharing.list_for(conn, scope.user_id(), stored.id)
    return rendering.page(
        "portfolios/settings.html", portfolio=stored, shares=shares, form=form, link=link,
        currencies=_CURRENCIES, now=services().clock(),
    )  # fmt: skip


def _listing(form: Submission) -> Response:
    with scope.connection() as conn:
        body = overview.portfolios_with_totals(
            conn, scope.user_id(), None, summed_in=cookies.currency()
        )
    return rendering.page("portfolios/index.html", body=body, form=form, currencies=_CURRENCIES)


def _held(conn: Connection, stored: Portfolio, order: Order) -> dict[str, Any]:
    """The table and its sums."""
    holdings = queries.holdings(conn, scope.user_id(), [stored])[stored.id]
    totals = current_holdings.totals(holdings)
    realised = realised_gains.realised_by_token(conn, scope.user_id(), stored.id)
    return {
        "sums": totals,
        "held": len(holdings),
        "lines": table.wanted(
            table.lines(holdings, totals.total_value, realised, order), request.args.get("q", "")
        ),
        "realised": sum((gains.gain for gains in realised.values()), start=ZERO),
    }
