"""What a user holds. A holding follows from transactions; one made by hand is an opening balance among them."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from psycopg import Connection

from coinsphere.portfolio import portfolios, recording
from coinsphere.portfolio.ledger import transactions
from coinsphere.portfolio.ledger.transactions import NewFact, StoredFact
from coinsphere.portfolio.valuation.current_holdings import Holding
from webapi.holdings import queries, schemas
from webapi.http import errors, paths
from webapi.http.schema import Message
from webapi.portfolios import answers, scope
from webapi.portfolios import queries as of_portfolios
from webapi.portfolios.periods import CurrencyQuery
from webapi.security.access import signed_in
from webapi.services import services
from webapi.transactions.queries import refusing

blueprint = APIBlueprint("holdings", __name__, tag="Portfolios")

_WHAT = "holding"


@blueprint.get("")
@signed_in
@blueprint.input(CurrencyQuery, location="query")
@blueprint.output(schemas.HoldingsOut)
def list_all_holdings(query_data: CurrencyQuery) -> Response:
    """What all of one's portfolios hold, each in the currency of its portfolio, or all in the one asked for."""
    asked = query_data.currency
    with scope.connection() as conn:
        currency = None if asked is None else of_portfolios.currency(conn, asked)
        portfolios_of_user = portfolios.list_for(conn, scope.user_id())
        holdings_of = (
            of_portfolios.holdings(conn, scope.user_id(), portfolios_of_user, shown=currency)
            if portfolios_of_user
            else {}
        )
    held = [each for portfolio in portfolios_of_user for each in holdings_of[portfolio.id]]
    return scope.tagged(answers.holdings(held))


@blueprint.get("/<holding_id>")
@signed_in
@blueprint.output(schemas.OneHoldingOut)
def get_holding(holding_id: str) -> dict[str, Any]:
    """One holding."""
    with scope.connection() as conn:
        return {"holding": answers.holding(_find(conn, paths.uuid(holding_id, _WHAT)))}


@blueprint.put("/<holding_id>")
@signed_in
@blueprint.input(schemas.HoldingChange)
@blueprint.output(schemas.OneHoldingOut)
def change_holding(holding_id: str, json_data: schemas.HoldingChange) -> dict[str, Any]:
    """Correct a holding made by hand. Answers 409 for one that follows from other transactions: correct those."""
    changes = json_data.model_dump(exclude_unset=True)
    with scope.connection() as conn:
        opening = _opening(conn, holding_id)
        values = {name: getattr(opening, name) for name in NewFact.__dataclass_fields__}
        wanted = NewFact(**values)
        if changes.get("amount") is not None:
            wanted = replace(wanted, amount=changes["amount"])
        if "average_buy_price" in changes:
            wanted = replace(wanted, price=changes["average_buy_price"])
        now = services().clock()
        refusing(lambda: recording.correct(conn, scope.user_id(), opening.fact_id, wanted, now))
        return {"holding": answers.holding(_find(conn, paths.uuid(holding_id, _WHAT)))}


@blueprint.delete("/<holding_id>")
@signed_in
@blueprint.output(Message, example={"message": "Holding deleted successfully"})
def delete_holding(holding_id: str) -> dict[str, str]:
    """Take back a holding made by hand. Answers 409 for one that follows from other transactions."""
    with scope.connection() as conn:
        opening = _opening(conn, holding_id)
        recording.withdraw(conn, scope.user_id(), opening.fact_id, services().clock())
    return {"message": "Holding deleted successfully"}


def _find(conn: Connection, holding_id: UUID) -> Holding:
    portfolio_id = queries.portfolio_of(conn, scope.user_id(), holding_id)
    holding = None
    if portfolio_id is not None:
        portfolio = portfolios.get(conn, scope.user_id(), portfolio_id)
        if portfolio is not None:
            holdings_of = of_portfolios.holdings(conn, scope.user_id(), [portfolio], holding_id)
            holding = next(iter(holdings_of[portfolio.id]), None)
    if holding is None:
        raise errors.not_found(_WHAT)
    return holding


def _opening(conn: Connection, holding_id: str) -> StoredFact:
    """The opening balance that is all that a holding follows from. Raises `errors.Problem` with status 404 or 409."""
    holding = _find(conn, paths.uuid(holding_id, _WHAT))
    only = queries.only_fact(conn, scope.user_id(), holding.row.portfolio_id, holding.row.token_id)
    opening = None if only is None else transactions.get(conn, scope.user_id(), only)
    if opening is None or holding.row.source != "ledger":
        raise errors.Problem(
            409, "the holding follows from transactions: correct those", code="holding-computed"
        )
    return opening
