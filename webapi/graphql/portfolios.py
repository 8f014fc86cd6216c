"""Portfolios with what they hold and what it is worth, and the ledger behind them."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Parent

from coinsphere.portfolio import portfolios as stored
from webapi.graphql import model_types
from webapi.graphql.connections import Connection, Page
from webapi.graphql.fields import RequestInfo, route_field
from webapi.graphql.tokens import Token
from webapi.holdings.schemas import HoldingOut, HoldingTokenOut
from webapi.http.schema import check
from webapi.portfolios import details, overview, past_state, scope
from webapi.portfolios.performance import answers
from webapi.portfolios.performance.schemas import PerformanceOut, PerformanceQuery
from webapi.portfolios.periods import PortfolioQuery
from webapi.portfolios.schemas import PortfolioOut, PortfoliosOut
from webapi.tokens import queries
from webapi.transactions import use_cases
from webapi.transactions.schemas import TransactionOut, TransactionsQuery

_OF_PORTFOLIOS = "GET /api/v1/portfolios"
_OF_PORTFOLIO = "GET /api/v1/portfolios/<portfolio_id>"
_OF_PERFORMANCE = "GET /api/v1/portfolios/<portfolio_id>/performance"
_OF_TRANSACTIONS = "GET /api/v1/transactions"
_OF_A_THOUSAND_DAYS = 200
"""Weight of values over time: a list whose length the period says."""

_OF_TOKEN = "GET /api/v1/tokens/<symbol>"  # noqa: S105 - a route


@route_field(_OF_TOKEN, Token | None, weight=1)
async def _details(root: Parent[dict[str, Any]], info: RequestInfo) -> queries.Token | None:
    """All that is known of the token."""
    return await info.context.loaders.token.load(root["id"])


@model_types.output_type(HoldingTokenOut)
class HoldingToken:
    """The token of a holding."""

    details = _details


@model_types.output_type(HoldingOut)
class Holding:
    """What is held of a token."""


@model_types.output_type(PortfolioOut)
class Portfolio:
    """A portfolio with what it holds."""


@model_types.output_type(PortfoliosOut)
class Portfolios:
    """All of one's portfolios, and sums over them."""


@model_types.output_type(PerformanceOut)
class Performance:
    """A portfolio over time."""


@model_types.output_type(TransactionOut)
class Transaction:
    """A transaction."""


@strawberry.type
class PortfolioQueries:
    """What may be asked of one's portfolios."""

    @route_field(_OF_PORTFOLIOS, Portfolios | None)
    def portfolios(
        self, currency: str | None = None, as_of: datetime | None = None
    ) -> dict[str, Any]:
        """All of one's portfolios with what they hold, the oldest first, and sums over them in `currency`; `asOf` as they were."""
        asked = check(PortfolioQuery, {"currency": currency, "asOf": as_of})
        with scope.connection() as conn:
            if asked.as_of is not None:
                return past_state.portfolios(conn, asked.currency, asked.as_of)
            return overview.portfolios_with_totals(conn, scope.user_id(), asked.currency)

    @route_field(_OF_PORTFOLIO, Portfolio | None)
    def portfolio(
        self,
        id: UUID,  # noqa: A002 - its name in GraphQL
        currency: str | None = None,
        as_of: datetime | None = None,
    ) -> dict[str, Any]:
        """A portfolio at current prices, or `asOf` a past instant. What has no price is listed in `unpriced`, and is never zero."""
        asked = check(PortfolioQuery, {"currency": currency, "asOf": as_of})
        owner = scope.user_id()
        if asked.as_of is not None:
            with scope.connection() as conn:
                row = scope.find(conn, str(id))
                return past_state.portfolio(conn, row, asked.currency, asked.as_of)
        with scope.reading() as conn:
            with scope.asking(conn):
                own, parts = stored.ask(conn, owner, id), details.ask(conn, owner, id)
            return details.shown(conn, scope.taken(own), parts, asked.currency)

    @route_field(_OF_PERFORMANCE, Performance | None, weight=_OF_A_THOUSAND_DAYS)
    def performance(
        self,
        portfolio_id: UUID,
        *,
        days: int | None = None,
        from_: Annotated[date | None, strawberry.argument(name="from")] = None,
        to: date | None = None,
        currency: str | None = None,
        benchmark: str | None = None,
        explain: bool = False,
        as_of: datetime | None = None,
    ) -> dict[str, Any]:
        """Values of a portfolio over time, and the returns of closed days; the arguments are REST's."""
        period = {"days": days, "from": from_, "to": to}
        shown = {"currency": currency, "benchmark": benchmark, "explain": explain}
        asked = check(PerformanceQuery, period | shown | {"asOf": as_of})
        return answers.performance(str(portfolio_id), asked)

    @route_field(_OF_TRANSACTIONS, Connection[Transaction] | None)
    def transactions(
        self,
        portfolio_id: UUID | None = None,
        token_symbol: str | None = None,
        type: str | None = None,  # noqa: A002 - its name in GraphQL
        first: int = 50,
        after: str | None = None,
    ) -> Page:
        """Transactions, the newest first: of a portfolio, a token, a type, or all."""
        asked = check(
            TransactionsQuery,
            {
                "portfolioId": portfolio_id,
                "tokenSymbol": token_symbol,
                "type": type,
                "limit": first,
                "cursor": after,
            },
        )
        with scope.connection() as conn:
            rows, has_more = use_cases.page(conn, asked)
        return Page(rows, use_cases.cursor_of, has_more=has_more)
