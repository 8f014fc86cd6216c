"""The forecast that stands now, for whoever shows it."""

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
        why = set_aside.reason(conn, token.id)
    if why is not None:
        raise errors.Problem(503, f"{token.symbol} is set aside: {why}", code="set-aside")
    return model_server.forecast(work.http, work.settings, token.symbol, days, work.clock())
