"""What users say of issues; the API and the pages both call it, within a transaction that acts for the user."""

from psycopg import Connection

from coinsphere.portfolio import issues
from coinsphere.portfolio.issues import Issue
from webapi.http import errors, paths
from webapi.portfolios import scope
from webapi.portfolios.issues.schemas import IssueChange


def settle(conn: Connection, portfolio_id: str, issue_id: str, given: IssueChange) -> Issue:
    """Say what becomes of an issue. Raises `errors.Problem` with status 404."""
    found = scope.find(conn, portfolio_id)
    changed = issues.change(
        conn, scope.user_id(), found.id, paths.uuid(issue_id, "issue"),
        state=given.state, note=given.note,
    )  # fmt: skip
    if changed is None:
        raise errors.not_found("issue")
    return changed
