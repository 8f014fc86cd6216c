"""`model.predictions`: append-only, one row for each token, origin, horizon and version."""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from psycopg import Connection

from coinsphere.market.model import Token
from coinsphere.settings import Settings
from ml.data import history
from ml.evaluation import plots
from ml.evaluation.results import Forecast
from ml.registry import token_registry
from ml.serving import forecasting

# Of one token, origin and horizon one forecast is public, the first: what people were shown is not taken back.
_RECORD = """
    insert into model.predictions (
        token_id, horizon_days, origin_at, target_at, issued_at, reference_price, quantiles, median, lower80, upper80,
        lower95, upper95, model_name, model_version, algorithm, run_id, data_digest, code_version, price_source,
        is_shadow, is_backfill, input_digest, dagster_run_id
    ) values (
        %(token_id)s, %(horizon_days)s, %(origin_at)s, %(target_at)s, %(issued_at)s, %(reference_price)s,
        %(quantiles)s, %(median)s, %(lower80)s, %(upper80)s, %(lower95)s, %(upper95)s, %(model_name)s,
        %(model_version)s, %(algorithm)s, %(run_id)s, %(data_digest)s, %(code_version)s, %(price_source)s,
        %(is_shadow)s or exists (
            select from model.predictions other
            where other.token_id = %(token_id)s and other.origin_at = %(origin_at)s
              and other.horizon_days = %(horizon_days)s and not other.is_shadow
        ), %(is_backfill)s, %(input_digest)s, %(dagster_run_id)s
    )
    on conflict (token_id, origin_at, horizon_days, model_name, model_version) do nothing
"""
_COLUMNS = (
    "horizon_days",
    "origin_at",
    "target_at",
    "issued_at",
    "reference_price",
    "model_name",
    "model_version",
    "algorithm",
    "run_id",
    "data_digest",
    "code_version",
    "price_source",
    "is_backfill",
    "input_digest",
)


def issue(conn: Connection, settings: Settings, token: Token, now: datetime) -> list[Forecast]:
    """Forecast all horizons with the token's champion; see `ml.pipeline.predict_token`."""
    champion = token_registry.champion(settings, token)
    newest = history.latest(conn, token)
    history.keep(conn, newest)
    made = forecasting.forecasts(champion, newest, now)
    picture = _fan(made)
    return [replace(forecast, plots={"fan": picture}) for forecast in made]


def record(
    conn: Connection,
    forecasts: Sequence[Forecast],
    *,
    shadows: Collection[int] = (),
    dagster_run_id: str = "",
) -> None:
    """Write the forecasts; one that was issued before stays as it was. Those of the horizons `shadows` are never shown."""
    rows = [
        _row(forecast)
        | {
            "is_shadow": forecast.horizon_days in shadows,
            "dagster_run_id": dagster_run_id or None,
        }
        for forecast in forecasts
    ]
    with conn.cursor() as cursor:
        cursor.executemany(_RECORD, rows)


def _row(forecast: Forecast) -> dict[str, object]:
    # As JSON numbers with all their digits: json writes a Decimal only as text.
    quantiles = ", ".join(
        f"{json.dumps(level)}: {value:f}" for level, value in forecast.quantiles.items()
    )
    return {
        **{name: getattr(forecast, name) for name in _COLUMNS},
        "token_id": forecast.token.id,
        "quantiles": f"{{{quantiles}}}",
        "median": forecast.median,
        "lower80": forecast.interval80[0],
        "upper80": forecast.interval80[1],
        "lower95": forecast.interval95[0],
        "upper95": forecast.interval95[1],
    }


def _fan(made: list[Forecast]) -> bytes:
    """The picture of all horizons."""
    first = made[0]
    return plots.fan(
        f"{first.token.symbol} from {first.origin_at:%Y-%m-%d}, {first.algorithm} {first.model_version}",
        float(first.reference_price),
        {
            forecast.horizon_days: {
                level: float(value) for level, value in forecast.quantiles.items()
            }
            for forecast in made
        },
    )
