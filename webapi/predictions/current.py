"""The present forecast of a token, for routes, pages and GraphQL."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Grounds:
    """What the database adds to forecasts, by token: indicators, and reasons to withhold one."""

    technical: Mapping[UUID, Indicators]
    refusals: Mapping[UUID, errors.Problem]


def grounds(conn: Connection, tokens: Sequence[Token]) -> Grounds:
    """The grounds for the forecasts of these tokens."""
    technical = indicator_queries.indicators(conn, [token.id for token in tokens])
    return Grounds(technical, refusals(conn, tokens))


def submit(work: Services, token: Token, days: int, known: Grounds) -> Callable[[], dict[str, Any]]:
    """Request a forecast without waiting for it.

    Returns:
        what waits for the answer, as `PredictionOut` takes it, and raises `errors.Problem` where there is none.
    """
    refused = known.refusals.get(token.id)
    future = None if refused is not None else work.helpers.submit(of_server, work, token, days)

    def wait() -> dict[str, Any]:
        if future is None:
            assert refused is not None
            raise refused
        return answers.prediction(token, future.result(), known.technical.get(token.id))

    return wait


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
    now = work.clock()
    try:
        return model_server.forecast(work.http, work.settings, token.symbol, days, now)
    except model_server.Away as away:
        with work.database.connection() as conn:
            try:
                return past_answer.standing(conn, token, days, now)
            except errors.Problem:
                raise away from None
