"""Users' decisions on issues of a portfolio, within a transaction that acts for the user."""

from psycopg import Connection

from coinsphere.portfolio import invalidations, issues
from coinsphere.portfolio import recording as recorded
from coinsphere.portfolio.issues import Issue
from coinsphere.portfolio.ledger import transfers
from webapi.http import errors, paths
from webapi.portfolios import scope
from webapi.portfolios.issues.schemas import IssueChange, TransferDecision
from webapi.services import services


def settle(conn: Connection, portfolio_id: str, issue_id: str, given: IssueChange) -> Issue:
    """Set the state of an issue. Raises `errors.Problem` with status 404."""
    portfolio = scope.find(conn, portfolio_id)
    changed = issues.change(
        conn, scope.user_id(), portfolio.id, paths.uuid(issue_id, "issue"),
        state=given.state, note=given.note,
    )  # fmt: skip
    if changed is None:
        raise errors.not_found("issue")
    return changed


def decide(conn: Connection, portfolio_id: str, given: TransferDecision) -> None:
    """Confirm or reject that two transactions are the ends of one transfer. Raises `errors.Problem` with status 404."""
    scope.find(conn, portfolio_id)
    pair = (given.out_transaction_id, given.in_transaction_id)
    invalidations.lock(conn, scope.user_id())
    ends = transfers.ends(conn, scope.user_id(), pair)
    if ends is None:
        raise errors.not_found(
            "pair of transfers of one token, with no more coming in than going out,"
        )
    transfers.decide(conn, scope.user_id(), ends.token_id, pair, given.decision)
    recorded.update_books(conn, scope.user_id(), {ends.token_id: ends.at}, services().clock())
