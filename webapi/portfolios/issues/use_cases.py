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


def settle(conn: Connection, portfolio_id: str, issue_id: str, body: IssueChange) -> Issue:
    """Set the state of an issue. Raises `errors.Problem` with status 404."""
    portfolio = scope.find(conn, portfolio_id)
    changed = issues.change(
        conn, scope.user_id(), portfolio.id, paths.uuid(issue_id, "issue"),
        state=body.state, note=body.note,
    )  # fmt: skip
    if changed is None:
        raise errors.not_found("issue")
    return changed


def decide(conn: Connection, portfolio_id: str, body: TransferDecision) -> None:
    """Confirm or reject that two transactions are the ends of one transfer. Raises `errors.Problem` with status 404."""
    scope.find(conn, portfolio_id)
    pair = (body.out_transaction_id, body.in_transaction_id)
    invalidations.lock(conn, scope.user_id())
    ends = transfers.ends(conn, scope.user_id(), pair)
    if ends is None:
        raise errors.not_found(
            "pair of transfers of one token, with no more coming in than going out,"
        )
    transfers.decide(conn, scope.user_id(), ends.token_id, pair, body.decision)
    recorded.update_books(conn, scope.user_id(), {ends.token_id: ends.at}, services().clock())
