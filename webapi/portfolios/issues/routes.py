"""What somebody has to look at, and which transactions are one transfer."""

from datetime import datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint

from coinsphere.portfolio import issues
from webapi.http import cursor
from webapi.http.schema import Message
from webapi.portfolios import scope
from webapi.portfolios.issues import schemas, use_cases
from webapi.security.access import signed_in

blueprint = APIBlueprint("portfolio_issues", __name__, tag="Portfolios")


@blueprint.get("/<portfolio_id>/issues")
@signed_in
@blueprint.input(schemas.IssuesQuery, location="query")
@blueprint.output(schemas.IssuesOut)
def list_issues(portfolio_id: str, query_data: schemas.IssuesQuery) -> dict[str, Any]:
    """What somebody has to look at, the newest first, each with what to do."""
    before = None if query_data.cursor is None else _issue_cursor(query_data.cursor)
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        rows = issues.list_for(
            conn,
            scope.user_id(),
            portfolio.id,
            state=query_data.state,
            limit=query_data.limit + 1,
            before=before,
        )
    shown = rows[: query_data.limit]
    last = shown[-1] if len(rows) > query_data.limit else None
    following = None if last is None else cursor.encode([last.found_at.isoformat(), str(last.id)])
    return {"issues": shown, "nextCursor": following}


@blueprint.post("/<portfolio_id>/issues/<issue_id>/resolve")
@signed_in
@blueprint.input(schemas.IssueChange)
@blueprint.output(schemas.OneIssueOut)
def resolve_issue(
    portfolio_id: str, issue_id: str, json_data: schemas.IssueChange
) -> dict[str, Any]:
    """Say what becomes of an issue: one that is dismissed stays so, one that is found again opens again."""
    with scope.connection() as conn:
        return {"issue": use_cases.settle(conn, portfolio_id, issue_id, json_data)}


@blueprint.post("/<portfolio_id>/transfers")
@signed_in
@blueprint.input(schemas.TransferDecision)
@blueprint.output(Message, example={"message": "Transfer confirmed"})
def decide_transfer(portfolio_id: str, json_data: schemas.TransferDecision) -> dict[str, str]:
    """Confirm or reject that two transactions are the ends of one own transfer; lots move, or do not, accordingly."""
    with scope.connection() as conn:
        use_cases.decide(conn, portfolio_id, json_data)
    return {"message": f"Transfer {json_data.decision}"}


def _issue_cursor(text: str) -> tuple[datetime, UUID]:
    at, issue_id = cursor.decode(text, 2)
    try:
        return datetime.fromisoformat(at), UUID(issue_id)
    except (TypeError, ValueError, AttributeError):
        raise cursor.refused() from None
