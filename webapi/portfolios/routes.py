"""A user's portfolios. What belongs to somebody else does not exist."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from psycopg import Connection

from coinsphere.exchanges.sync import portfolio_parts
from coinsphere.portfolio import portfolios, recording
from coinsphere.portfolio.jobs import syncs
from coinsphere.portfolio.ledger.transactions import NewFact
from coinsphere.portfolio.model import Kind
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation.current_holdings import Holding
from webapi.holdings.schemas import HoldingIn, HoldingsOut, OneHoldingOut
from webapi.http import errors, pages, paths
from webapi.http.schema import Message
from webapi.portfolios import (
    answers,
    details,
    overview,
    past_state,
    queries,
    schemas,
    scope,
    use_cases,
)
from webapi.portfolios.periods import PortfolioQuery
from webapi.security.access import signed_in
from webapi.services import services
from webapi.tokens import symbols
from webapi.transactions import queries as transactions

blueprint = APIBlueprint("portfolios", __name__, tag="Portfolios")

_LATEST = 10
_USUAL_SYNC = timedelta(seconds=10)


@blueprint.get("")
@signed_in
@blueprint.input(PortfolioQuery, location="query")
@blueprint.output(schemas.PortfoliosOut)
def list_portfolios(query_data: PortfolioQuery) -> Response:
    """All of one's portfolios with what they hold, the oldest first, and sums over them in `currency`.

    `asOf` gives those of now as they were believed to be at a past instant; `notKept` says what is null then, and why.
    """
    currency, as_of = query_data.currency, query_data.as_of
    with scope.connection() as conn:
        if as_of is not None:
            return scope.tagged(past_state.portfolios(conn, currency, as_of))
        return scope.tagged(overview.portfolios_with_totals(conn, scope.user_id(), currency))


@blueprint.post("")
@signed_in
@blueprint.input(schemas.PortfolioIn)
@blueprint.output(schemas.OnePortfolioOut, 201)
def create_portfolio(json_data: schemas.PortfolioIn) -> dict[str, Any]:
    """Make a portfolio; the first one is the active one. Nobody has more than 200."""
    with scope.connection() as conn:
        return {"portfolio": _shown(conn, use_cases.create(conn, json_data))}


@blueprint.get("/<portfolio_id>")
@signed_in
@blueprint.input(PortfolioQuery, location="query")
@blueprint.output(schemas.OnePortfolioOut)
def get_portfolio(portfolio_id: str, query_data: PortfolioQuery) -> Response:
    """A portfolio at current prices, with its ten latest transactions. What has no price is listed, not zero.

    `asOf` gives it as it was believed to be at a past instant; what of it was not kept is null, and `notKept` says why.
    """
    if query_data.as_of is not None:
        return _past(portfolio_id, query_data.currency, query_data.as_of)
    return pages.tagged(pages.own(partial(_present, portfolio_id, query_data.currency)))


@blueprint.put("/<portfolio_id>")
@signed_in
@blueprint.input(schemas.PortfolioChange)
@blueprint.output(schemas.OnePortfolioOut)
def change_portfolio(portfolio_id: str, json_data: schemas.PortfolioChange) -> dict[str, Any]:
    """Change a portfolio. Fields that are left out stay."""
    with scope.connection() as conn:
        return {"portfolio": _shown(conn, use_cases.change(conn, portfolio_id, json_data))}


@blueprint.delete("/<portfolio_id>")
@signed_in
@blueprint.output(Message, example={"message": "Portfolio deleted successfully"})
def delete_portfolio(portfolio_id: str) -> dict[str, str]:
    """Delete a portfolio with its transactions, and its history with it."""
    with scope.connection() as conn:
        use_cases.delete(conn, portfolio_id)
    return {"message": "Portfolio deleted successfully"}


@blueprint.post("/<portfolio_id>/set-active")
@signed_in
@blueprint.output(schemas.OnePortfolioOut)
def activate_portfolio(portfolio_id: str) -> dict[str, Any]:
    """Make a portfolio the active one, and the others not."""
    with scope.connection() as conn:
        identity = paths.uuid(portfolio_id, scope.WHAT)
        changed = portfolios.activate(conn, scope.user_id(), identity)
        return {"portfolio": _shown(conn, use_cases.required(changed))}


@blueprint.post("/<portfolio_id>/sync")
@signed_in
@blueprint.output(schemas.SyncStartedOut, 202)
def start_sync(portfolio_id: str) -> dict[str, Any]:
    """Have its exchange accounts read, and everything booked and valued anew from the transactions."""
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        job_id = syncs.request(conn, scope.user_id(), portfolio.id)
        portfolio_parts.request(conn, scope.user_id(), portfolio.id, job_id)
    return {
        "message": "Sync initiated",
        "jobId": job_id,
        "estimatedCompletionTime": services().clock() + _USUAL_SYNC,
    }


@blueprint.get("/<portfolio_id>/sync/<job_id>")
@signed_in
@blueprint.output(schemas.SyncProgressOut)
def get_sync(portfolio_id: str, job_id: str) -> syncs.Sync:
    """How far a sync is."""
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        sync = syncs.get(conn, paths.uuid(job_id, "sync"), scope.user_id(), portfolio.id)
        if sync is None:
            raise errors.not_found("sync")
        return portfolio_parts.with_parts(conn, sync)


@blueprint.get("/<portfolio_id>/holdings")
@signed_in
@blueprint.input(PortfolioQuery, location="query")
@blueprint.output(HoldingsOut)
def list_holdings(portfolio_id: str, query_data: PortfolioQuery) -> Response:
    """What a portfolio holds, or with `asOf` was believed to hold at a past instant."""
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        if query_data.as_of is not None:
            past = past_state.held_in(conn, portfolio, query_data.currency, query_data.as_of)
            return scope.tagged(past)
        currency = queries.shown_currency(conn, query_data.currency, portfolio.currency)
        holdings = queries.holdings(conn, scope.user_id(), [portfolio], shown=currency)
    return scope.tagged(answers.holdings(holdings[portfolio.id]))


@blueprint.post("/<portfolio_id>/holdings")
@signed_in
@blueprint.input(HoldingIn)
@blueprint.output(OneHoldingOut, 201)
def add_holding(portfolio_id: str, json_data: HoldingIn) -> dict[str, Any]:
    """Add what one holds already: an opening balance, which the ledger keeps as a transaction."""
    work = services()
    symbol = json_data.token_symbol
    if symbol is None:
        raise errors.invalid(
            [{"path": "tokenSymbol", "message": "Field required", "code": "missing"}]
        )
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        token = symbols.find(conn, symbol)
        now = work.clock()
        new = NewFact(
            portfolio.id, Kind.OPENING_BALANCE, token.id, json_data.amount, json_data.acquired_at or now,
            json_data.average_buy_price, portfolio.currency,
        )  # fmt: skip
        transactions.refusing(lambda: recording.record(conn, scope.user_id(), [new], now))
        holdings = queries.holdings(conn, scope.user_id(), [portfolio])[portfolio.id]
    return {"holding": answers.holding(_of_ledger(holdings, token.id))}


def _of_ledger(holdings: Sequence[Holding], token_id: UUID) -> Holding:
    """What the ledger says is held of a token. Raises `errors.Problem`: 409, it is being computed."""
    for holding in holdings:
        if holding.row.token_id == token_id and holding.row.source == "ledger":
            return holding
    raise errors.Problem(409, "the holding is being computed; ask for it again", code="pending")


def _present(portfolio_id: str, currency: str | None) -> dict[str, Any]:
    owner, identity = scope.user_id(), paths.uuid(portfolio_id, scope.WHAT)
    with scope.reading() as conn:
        with scope.asking(conn):
            asked, parts = portfolios.ask(conn, owner, identity), details.ask(conn, owner, identity)
            latest = transactions.ask_latest(conn, owner, identity, _LATEST)
        shown = details.shown(conn, scope.taken(asked), parts, currency)
        shown["transactions"] = latest.fetchall()
    return {"portfolio": shown}


def _past(portfolio_id: str, currency: str | None, as_of: datetime) -> Response:
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        shown = past_state.portfolio(conn, portfolio, currency, as_of)
        latest = transactions.ask_latest(conn, scope.user_id(), portfolio.id, _LATEST, as_of)
        shown["transactions"] = latest.fetchall()
    return scope.tagged({"portfolio": shown})


def _shown(conn: Connection, portfolio: Portfolio) -> dict[str, Any]:
    return details.shown(conn, portfolio, details.ask(conn, scope.user_id(), portfolio.id))
