"""What users do with their portfolios, within a transaction that acts for the user."""

from typing import Any

from psycopg import Connection

from coinsphere.analytics.events import PortfolioMade
from coinsphere.billing.plans import PlanLimit
from coinsphere.portfolio import portfolios
from coinsphere.portfolio.portfolios import Definition, Portfolio
from webapi.analytics.happenings import happened
from webapi.billing import guard
from webapi.http import errors, paths
from webapi.http.schema import camel
from webapi.portfolios import queries, schemas, scope

_NULLABLE = ("description", "icon")


def create(conn: Connection, body: schemas.PortfolioIn) -> Portfolio:
    """Create a portfolio; the first one becomes active. Raises `errors.Problem`: 400, 402, or 409 above 200 of them."""
    if portfolios.count(conn, scope.user_id()) >= queries.MAX_PORTFOLIOS:
        raise errors.Problem(
            409,
            f"nobody may have more than {queries.MAX_PORTFOLIOS} portfolios",
            code="portfolios-full",
        )
    guard.require_room(conn, PlanLimit.PORTFOLIOS)
    currency = queries.currency(conn, body.currency)
    wanted = Definition(**{**body.model_dump(), "currency": currency})
    portfolio = portfolios.create(conn, scope.user_id(), wanted)
    happened(conn, PortfolioMade())
    return portfolio


def change(conn: Connection, portfolio_id: str, body: schemas.PortfolioChange) -> Portfolio:
    """Change a portfolio; fields that are left out stay. Raises `errors.Problem`: 400 or 404."""
    stored = scope.find(conn, portfolio_id)
    wanted = _merged(conn, stored, body.model_dump(exclude_unset=True))
    return required(portfolios.update(conn, scope.user_id(), stored.id, wanted))


def delete(conn: Connection, portfolio_id: str) -> None:
    """Delete a portfolio with its transactions and history. Raises `errors.Problem` with status 404."""
    if not portfolios.delete(conn, scope.user_id(), paths.uuid(portfolio_id, scope.WHAT)):
        raise errors.not_found(scope.WHAT)


def required(portfolio: Portfolio | None) -> Portfolio:
    """The portfolio, if it is there. Raises `errors.Problem` with status 404."""
    if portfolio is None:
        raise errors.not_found(scope.WHAT)
    return portfolio


def _merged(conn: Connection, stored: Portfolio, changes: dict[str, Any]) -> Definition:
    changes.pop("is_active", None)
    nulls = [name for name, value in changes.items() if value is None and name not in _NULLABLE]
    if nulls:
        raise errors.invalid(
            [{"path": camel(name), "message": "must not be null", "code": "null"} for name in nulls]
        )
    if "currency" in changes:
        changes["currency"] = queries.currency(conn, changes["currency"])
    kept = {name: getattr(stored, name) for name in Definition.__dataclass_fields__}
    return Definition(**{**kept, **changes})
