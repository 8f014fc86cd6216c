"""What the models expect of a token, over all horizons at once: the fan."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Connection
from pydantic import TypeAdapter

from webapi.features import Feature, switches
from webapi.http.errors import Problem
from webapi.predictions import current, queries, schemas
from webapi.predictions.model_server import Forecast
from webapi.predictions.queries import Accuracy
from webapi.services import Services
from webapi.tokens.queries import Token
from webui.charts import Range

MEASURED_DAYS = 90
_FORECASTS = TypeAdapter(list[Forecast])


@dataclass(frozen=True, slots=True, kw_only=True)
class FanPoint(Range):
    """Those of a token's price in US dollars, with the forecast that they are of."""

    forecast: Forecast


@dataclass(frozen=True, slots=True)
class Fan:
    """Forecasts by horizon, the nearest first; at least one."""

    points: tuple[FanPoint, ...]

    @property
    def nearest(self) -> Forecast:
        """The forecast of the shortest horizon."""
        return self.points[0].forecast


def fan(work: Services, token: Token) -> tuple[Fan | None, str | None]:
    """The current forecasts of all horizons; None and the reason where there are none."""
    if not switches().is_on(Feature.PREDICTIONS):
        return None, "predictions are switched off"
    try:
        # Many look at the same token: the model server is asked once in a while, not for each.
        page = work.pages.page("web-forecasts", str(token.id), lambda: _asked(work, token))
    except Problem as problem:
        return None, problem.error
    return Fan(tuple(_point(each) for each in _FORECASTS.validate_json(page.body))), None


def _asked(work: Services, token: Token) -> bytes:
    """The forecasts of all horizons that have one. Raises `errors.Problem`: there is none."""
    with work.database.connection() as conn:
        current.require_none_against(conn, token)
    asked = [work.helpers.submit(current.of_server, work, token, days) for days in schemas.FRAMES]
    answers, problems = [], []
    for future in asked:
        try:
            answers.append(future.result())
        except Problem as problem:
            problems.append(problem)
    if not answers:
        raise problems[0]
    return _FORECASTS.dump_json(answers, by_alias=True)


def measured(conn: Connection, token: Token, now: datetime, days: int = 1) -> Accuracy | None:
    """How forecasts of that horizon fared in the last ninety days, against prices that came after them."""
    return queries.accuracy(conn, token.id, days, now - timedelta(days=MEASURED_DAYS), now)


def _point(forecast: Forecast) -> FanPoint:
    bounds = [forecast.quantile(level) for level in ("0.025", "0.1", "0.5", "0.9", "0.975")]
    return FanPoint(forecast.days_ahead, forecast.target_at, *bounds, forecast=forecast)
