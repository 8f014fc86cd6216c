"""The forecast that stands now, for whoever shows it."""

from psycopg import Connection

from coinsphere.market import set_aside
from webapi.http import errors
from webapi.predictions import model_server
from webapi.predictions.model_server import Forecast
from webapi.services import Services
from webapi.tokens.queries import Token


def ask(work: Services, token: Token, days: int) -> Forecast:
    """The model server's answer, unless a check set the token or its newest forecast aside.

    Raises:
        errors.Problem: 503 with the reason.
    """
    with work.database.connection() as conn:
        require_none_against(conn, token)
    return of_server(work, token, days)


def require_none_against(conn: Connection, token: Token) -> None:
    """Raise `errors.Problem` with status 503 where a check set the token or its newest forecast aside."""
    why = set_aside.reason(conn, token.id)
    if why is not None:
        raise errors.Problem(503, f"{token.symbol} is set aside: {why}", code="set-aside")


def of_server(work: Services, token: Token, days: int) -> Forecast:
    """The model server's answer. Raises `errors.Problem` with status 503 and the reason."""
    return model_server.forecast(work.http, work.settings, token.symbol, days, work.clock())
