"""Tokens with their prices, and what hangs on them: indicators, risk, forecasts, candles."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry
from pydantic import Field
from strawberry import Parent

from webapi.graphql import model_types
from webapi.graphql.connections import Connection, Page
from webapi.graphql.fields import RequestInfo, route_field
from webapi.http import cursor
from webapi.http.schema import check
from webapi.predictions import indicators, past_answer
from webapi.predictions.schemas import IndicatorsOut, PredictionOut, PredictionQuery
from webapi.risk import answers as risks
from webapi.risk.schemas import RiskOut
from webapi.services import services
from webapi.tokens import history as candles
from webapi.tokens import paging, queries, symbols
from webapi.tokens.history import Point
from webapi.tokens.schemas import HistoryQuery, ListQuery, PricePointOut, TokenOut

_FORECAST_WEIGHT = 90
"""Each forecast is asked of another server: one question has room for as many as a batch of REST, see `loaders`."""

_OF_TOKENS = "GET /api/v1/tokens"
_OF_TOKEN = "GET /api/v1/tokens/<symbol>"  # noqa: S105 - a route
_OF_HISTORY = "GET /api/v1/tokens/<symbol>/history"
_OF_RISK = "GET /api/v1/risk/<symbol>"
_OF_FORECAST = "GET /api/v1/predictions/<symbol>"


@model_types.output_type(IndicatorsOut)
class Indicators:
    """The indicators of a token's newest final day."""


@model_types.output_type(RiskOut)
class Risk:
    """How risky a token is."""


@model_types.output_type(PredictionOut)
class Prediction:
    """A forecast."""


@route_field(_OF_RISK, Risk | None, weight=1)
async def _risk(root: Parent[queries.Token], info: RequestInfo) -> dict[str, Any]:
    """The newest risk score; an error where there is none yet."""
    return risks.risk(root, await info.context.loaders.score.load(root.id))


@route_field(_OF_FORECAST, Indicators | None, weight=1)
async def _indicators(root: Parent[queries.Token], info: RequestInfo) -> dict[str, Any] | None:
    """Technical indicators of the newest final day."""
    return indicators.describe(await info.context.loaders.indicators.load(root.id))


@route_field(_OF_FORECAST, Prediction | None, weight=_FORECAST_WEIGHT)
async def _prediction(
    root: Parent[queries.Token],
    info: RequestInfo,
    timeframe: str = "24h",
    as_of: datetime | None = None,
) -> dict[str, Any]:
    """The champion's forecast for 24h, 7d, 14d or 30d, or what it was `asOf` a past instant; an error with the reason where there is none."""
    asked = check(PredictionQuery, {"timeframe": timeframe, "asOf": as_of})
    if asked.as_of is None:
        return await info.context.loaders.prediction.load((root, asked.horizon))
    with services().database.connection() as conn:
        return past_answer.answer(conn, root, asked.horizon, asked.as_of)


def _extreme(name: str, kind: Any) -> Any:
    """An extreme of the price: what a provider tells, else that of our own candles."""

    async def resolve(root: Parent[queries.Token], info: RequestInfo) -> Any:
        if root.ath is not None and root.atl is not None:
            return getattr(root, name)
        token = await info.context.loaders.with_extremes.load(root)
        return getattr(token or root, name)

    return strawberry.field(resolver=resolve, graphql_type=kind)


@model_types.output_type(TokenOut)
class Token:
    """A token; its source is `queries.Token`. What a list wants of each of its tokens is loaded for all at once."""

    ath = _extreme("ath", Decimal | None)
    ath_date = _extreme("ath_date", datetime | None)
    atl = _extreme("atl", Decimal | None)
    atl_date = _extreme("atl_date", datetime | None)
    risk = _risk
    indicators = _indicators
    prediction = _prediction


@model_types.output_type(PricePointOut, without=("time",))
class Candle:
    """A candle; its source is `Point`."""

    opened_at: datetime = strawberry.field(description="When it opened.")
    price: Decimal = strawberry.field(
        resolver=lambda root: root.close, description="Its close.", graphql_type=Decimal
    )
    filled: bool = strawberry.field(
        resolver=lambda root: root.is_filled,
        description="No trade is known in a part of it: the close before goes on.",
        graphql_type=bool,
    )


class _CandlesQuery(HistoryQuery):
    """Which candles, and how many of them."""

    first: int = Field(ge=1, le=candles.MAX_POINTS)


@strawberry.type
class TokenQueries:
    """What may be asked of tokens."""

    @route_field(_OF_TOKENS, Connection[Token] | None)
    def tokens(self, q: str | None = None, first: int = 50, after: str | None = None) -> Page:
        """Tokens by market cap, unknown last; `q` is looked for in symbol, name and CoinGecko id."""
        asked = check(ListQuery, {"limit": first, "cursor": after, "q": q})
        behind = None if asked.cursor is None else paging.after(asked.cursor)
        with services().database.connection() as conn:
            rows = queries.search(conn, asked.q or None, behind, asked.limit + 1)
        return Page.of(rows, asked.limit, paging.cursor_of)

    @route_field(_OF_TOKEN, Token | None)
    def token(self, symbol: str) -> queries.Token:
        """A token by its symbol, in any case; of several the one of the highest market cap."""
        with services().database.connection() as conn:
            return symbols.find(conn, symbol)

    @route_field(_OF_HISTORY, Connection[Candle] | None)
    def history(
        self,
        symbol: str,
        timeframe: str = "7d",
        as_of: datetime | None = None,
        first: int = candles.MAX_POINTS,
        after: str | None = None,
    ) -> Page:
        """Candles of a token, ascending; `timeframe` and `asOf` are REST's."""
        asked = check(_CandlesQuery, {"timeframe": timeframe, "asOf": as_of, "first": first})
        with services().database.connection() as conn:
            token = symbols.find(conn, symbol)
            points = candles.of_frame(conn, token.id, asked.timeframe, asked.as_of)
        return Page.of(_behind(points, after), asked.first, _cursor_of)


def _cursor_of(point: Point) -> str:
    return cursor.encode([point.opened_at])


def _behind(points: list[Point], after: str | None) -> list[Point]:
    """The points behind a cursor. Raises `errors.Problem` with status 400: it is none of ours."""
    if after is None:
        return points
    (text,) = cursor.decode(after, 1)
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise cursor.refused() from None
    return [point for point in points if point.opened_at > moment]
