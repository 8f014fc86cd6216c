"""The forecast that stands now, for whoever shows it."""

from collections.abc import Iterable
from uuid import UUID

from psycopg import Connection

from coinsphere.market.quality import set_aside
from webapi.http import errors
from webapi.predictions import model_server
from webapi.predictions.model_server import Forecast
from webapi.services import Services
from webapi.tokens.queries import Token


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
    """The model server's answer. Raises `errors.Problem` with status 503 and the reason."""
    return model_server.forecast(work.http, work.settings, token.symbol, days, work.clock())
