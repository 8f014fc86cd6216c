"""What somebody has to look at in a portfolio: what to do about each, which transfers belong together."""

from flask import Blueprint, Response, request
from psycopg import Connection

from coinsphere.portfolio import issues
from coinsphere.portfolio.issues import Issue
from coinsphere.portfolio.ledger import transfers
from coinsphere.portfolio.model import IssueKind
from webapi.http.schema import check
from webapi.portfolios import scope
from webapi.portfolios.issues import use_cases
from webapi.portfolios.issues.schemas import IssueChange, IssuesQuery, TransferDecision
from webapi.transactions import use_cases as transactions
from webui import rendering, requests
from webui.i18n import gettext
from webui.pages import flash_messages, submissions
from webui.security.access import signed_in

web_portfolio_issues = Blueprint("web_portfolio_issues", __name__)
_MOST = 100


@web_portfolio_issues.get("/portfolios/<portfolio_id>/issues")
@signed_in
def inbox(portfolio_id: str) -> Response:
    """The issues of a state, each with what to do; for a transfer, what may be its other end."""
    state = check(IssuesQuery, {"state": request.args.get("state", "open")}).state
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        listed = issues.list_for(conn, scope.user_id(), portfolio.id, state=state, limit=_MOST)
        ends = {
            each.id: transfers.candidates(conn, scope.user_id(), each.fact_id)
            for each in listed
            if each.fact_id is not None and _is_open_transfer(each)
        }
    return rendering.page(
        "issues/index.html", portfolio=portfolio, issues=listed, state=state, ends=ends
    )


@web_portfolio_issues.post("/portfolios/<portfolio_id>/issues/<issue_id>")
@signed_in
def settle(portfolio_id: str, issue_id: str) -> Response:
    """Say that an issue is known and needs nothing, is done, or is open again."""
    changes = submissions.given(IssueChange, {"next"})
    with scope.connection() as conn:
        use_cases.settle(conn, portfolio_id, issue_id, changes)
    address = requests.local(request.form.get("next"), f"/portfolios/{portfolio_id}")
    return flash_messages.lead_to(address, gettext("Noted."))


@web_portfolio_issues.post("/portfolios/<portfolio_id>/transfers")
@signed_in
def pair(portfolio_id: str) -> Response:
    """Say that two transfers are one, out of here and into there; its cost goes along."""
    with scope.connection() as conn:
        use_cases.decide(
            conn, portfolio_id, submissions.given(TransferDecision, {"ends"}, **_ends(conn))
        )
    address = f"/portfolios/{portfolio_id}/issues"
    return flash_messages.lead_to(
        address, gettext("They are one transfer; what it cost goes along.")
    )


def _ends(conn: Connection) -> dict[str, str]:
    """The two transactions of the form, each at the end that its type says."""
    names = {"transfer_out": "outTransactionId", "transfer_in": "inTransactionId"}
    chosen = request.form.getlist("ends")[:2]
    kinds = {each: transactions.find(conn, each)["type"] for each in chosen}
    return {names[kind]: each for each, kind in kinds.items() if kind in names}


def _is_open_transfer(each: Issue) -> bool:
    return each.kind == IssueKind.UNMATCHED_TRANSFER and each.state == "open"
