"""The present forecast of a token, for routes, pages and GraphQL."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere.market.quality import set_aside
from webapi.http import errors
from webapi.predictions import answers, indicator_queries, model_server, past_answer
from webapi.predictions.indicator_queries import Indicators
from webapi.predictions.model_server import Forecast
from webapi.services import Services
from webapi.tokens.queries import Token

_Issued = Callable[[], Mapping[tuple[Token, int], Forecast | errors.Problem]]


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the database adds to forecasts, by token: indicators, and reasons to withhold one."""

    technical: Mapping[UUID, Indicators]
    refusals: Mapping[UUID, errors.Problem]


def grounds(conn: Connection, tokens: Sequence[Token]) -> Grounds:
    """The grounds for the forecasts of these tokens."""
    technical = indicator_queries.indicators(conn, [token.id for token in tokens])
    return Grounds(technical, refusals(conn, tokens))


def submit(
    work: Services, wanted: Sequence[tuple[Token, int]], known: Grounds
) -> list[Callable[[], dict[str, Any]]]:
    """Request forecasts without waiting for them, each of a token by its days ahead.

    Returns:
        what waits for each answer, as `PredictionOut` takes it, and raises `errors.Problem` where there is none.
    """
    now = work.clock()

    @cache
    def issued() -> dict[tuple[Token, int], Forecast | errors.Problem]:
        with work.database.connection() as conn:
            return past_answer.standing_all(conn, wanted, now)

    return [_submitted(work, token, days, known, issued) for token, days in wanted]


def _submitted(
    work: Services, token: Token, days: int, known: Grounds, issued: _Issued
) -> Callable[[], dict[str, Any]]:
    refused = known.refusals.get(token.id)
    future = None if refused is not None else work.helpers.submit(_asked, work, token, days)

    def wait() -> dict[str, Any]:
        if future is None:
            assert refused is not None
            raise refused
        try:
            forecast = future.result()
        except model_server.Away as away:
            forecast = _or_raise(issued()[token, days], away)
        return answers.prediction(token, forecast, known.technical.get(token.id))

    return wait


def _asked(work: Services, token: Token, days: int) -> Forecast:
    return model_server.forecast(work.http, work.settings, token.symbol, days, work.clock())


def _or_raise(issued: Forecast | errors.Problem, away: model_server.Away) -> Forecast:
    if isinstance(issued, errors.Problem):
        raise away from None
    return issued


def refusals(conn: Connection, tokens: Iterable[Token]) -> dict[UUID, errors.Problem]:
    """A problem with status 503 for each token that a check set aside, or its newest forecast."""
    by_id = {token.id: token for token in tokens}
    return {
        token_id: errors.Problem(
            503, f"{by_id[token_id].symbol} is set aside: {why}", code="set-aside"
        )
        for token_id, why in set_aside.reasons(conn, by_id).items()
    }


def require_none_against(conn: Connection, token: Token) -> None:
    """Raise `errors.Problem` with status 503 where a check set the token or its newest forecast aside."""
    for refusal in refusals(conn, [token]).values():
        raise refusal


def of_server(work: Services, token: Token, days: int) -> Forecast:
    """The model server's answer; while it is away, what was issued after the last close, at the newest price.

    Raises:
        errors.Problem: 503 with the reason.
    """
    try:
        return _asked(work, token, days)
    except model_server.Away as away:
        with work.database.connection() as conn:
            issued = past_answer.standing_all(conn, [(token, days)], work.clock())
        return _or_raise(issued[token, days], away)
