"""Creates and revokes public links to a portfolio."""

from psycopg import Connection

from coinsphere.analytics.events import ShareMade
from coinsphere.audit.events import Event
from coinsphere.billing.plans import PlanFeature
from coinsphere.portfolio import sharing
from coinsphere.portfolio.sharing import Share
from webapi.analytics.happenings import happened
from webapi.billing import guard
from webapi.http import errors, paths
from webapi.portfolios import scope
from webapi.portfolios.shares import schemas
from webapi.security import audit
from webapi.services import services

_SHARE = "share"


def add(conn: Connection, portfolio_id: str, body: schemas.ShareIn) -> tuple[Share, str]:
    """Create a link. Returns it with its secret, which is stored nowhere. Raises `errors.Problem`: 400, 402 or 404."""
    if body.expires_at is not None and body.expires_at <= services().clock():
        raise errors.invalid(
            [{"path": "expiresAt", "message": "must lie in the future", "code": "value_error"}]
        )
    portfolio = scope.find(conn, portfolio_id)
    guard.require_feature(conn, PlanFeature.SHARED_LINKS)
    share, secret = sharing.add(
        conn, scope.user_id(), portfolio.id,
        hides_amounts=body.hides_amounts, expires_at=body.expires_at,
    )  # fmt: skip
    audit.record(
        conn,
        Event.PORTFOLIO_SHARED,
        actor_id=scope.user_id(),
        target=str(share.id),
        details={"portfolio": str(portfolio.id), "hides_amounts": share.hides_amounts},
    )
    happened(conn, ShareMade())
    return share, secret


def address(secret: str) -> str:
    """The address at which a link shows the portfolio."""
    return f"{services().settings.pages_url}/shared/{secret}"


def revoke(conn: Connection, portfolio_id: str, share_id: str) -> None:
    """End a link at once. Raises `errors.Problem` with status 404."""
    portfolio = scope.find(conn, portfolio_id)
    identity = paths.uuid(share_id, _SHARE)
    if not sharing.revoke(conn, scope.user_id(), portfolio.id, identity, services().clock()):
        raise errors.not_found(_SHARE)
    audit.record(
        conn,
        Event.PORTFOLIO_SHARE_REVOKED,
        actor_id=scope.user_id(),
        target=str(identity),
        details={"portfolio": str(portfolio.id)},
    )
