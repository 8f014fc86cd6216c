"""`model.predictions`: append-only, one row for each token, origin, horizon and version, whichever family it is of."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from ml.serving.forecasting import Forecast
from ml.serving.global_forecasting import LOGGED

# Of one token, origin and horizon one forecast is public, the first: what people were shown is not taken back.
_RECORD = """
    insert into model.predictions (
        token_id, horizon_days, origin_at, target_at, issued_at, reference_price, quantiles, median, lower80, upper80,
        lower95, upper95, model_name, model_version, algorithm, run_id, data_digest, code_version, price_source,
        is_shadow, is_backfill, location, log_scale, reference_log_scale, degrees, width80, width95,
        in_distribution, input_digest, dagster_run_id
    ) values (
        %(token_id)s, %(horizon_days)s, %(origin_at)s, %(target_at)s, %(issued_at)s, %(reference_price)s,
        %(quantiles)s, %(median)s, %(lower80)s, %(upper80)s, %(lower95)s, %(upper95)s, %(model_name)s,
        %(model_version)s, %(algorithm)s, %(run_id)s, %(data_digest)s, %(code_version)s, %(price_source)s,
        %(is_shadow)s or exists (
            select from model.predictions other
            where other.token_id = %(token_id)s and other.origin_at = %(origin_at)s
              and other.horizon_days = %(horizon_days)s and not other.is_shadow
        ), %(is_backfill)s, %(location)s, %(log_scale)s, %(reference_log_scale)s, %(degrees)s, %(width80)s,
        %(width95)s, %(in_distribution)s, %(input_digest)s, %(dagster_run_id)s
    )
    on conflict (token_id, origin_at, horizon_days, model_name, model_version) do nothing
"""
_PREDICTION = """
    select p.id, p.token_id, t.symbol, p.horizon_days, p.issued_at, p.price_source, p.reference_price, p.quantiles::text, p.location, p.log_scale, p.degrees,
        p.width80, p.width95, p.model_name, p.model_version, p.input_digest
    from model.predictions p join market.tokens t on t.id = p.token_id
    where p.id = %(id)s
"""
_COLUMNS = (
    "token_id",
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


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of the prediction log, as far as it can be computed again."""

    id: UUID
    token_id: UUID
    symbol: str
    horizon_days: int
    issued_at: datetime
    price_source: str
    reference_price: Decimal
    quantiles: str
    """JSON with all its digits, which a float would not keep."""
    location: float | None
    log_scale: float | None
    degrees: float | None
    width80: float | None
    width95: float | None
    model_name: str
    model_version: int
    input_digest: str | None


def record(
    conn: Connection,
    forecasts: Iterable[Forecast],
    *,
    is_shadow: Callable[[Forecast], bool],
    dagster_run_id: str = "",
) -> None:
    """Write the forecasts; one that was issued before stays as it was.

    Args:
        conn: with the prediction log.
        forecasts: of any family.
        is_shadow: whether a forecast is kept and never shown.
        dagster_run_id: for the lineage; empty where a person asked.
    """
    rows = [
        _row(each) | {"is_shadow": is_shadow(each), "dagster_run_id": dagster_run_id or None}
        for each in forecasts
    ]
    with conn.cursor() as cursor:
        cursor.executemany(_RECORD, rows)


def prediction(conn: Connection, prediction_id: UUID) -> Stored:
    """A row of the log. Raises LookupError if there is none."""
    with conn.cursor(row_factory=class_row(Stored)) as cursor:
        row = cursor.execute(_PREDICTION, {"id": prediction_id}).fetchone()
    if row is None:
        raise LookupError(f"there is no prediction {prediction_id}")
    return row


def _row(forecast: Forecast) -> dict[str, object]:
    # As JSON numbers with all their digits: json writes a Decimal only as text.
    quantiles = ", ".join(
        f"{json.dumps(level)}: {value:f}" for level, value in forecast.quantiles.items()
    )
    return {
        **{name: getattr(forecast, name) for name in _COLUMNS},
        **{name: forecast.parameters.get(name) for name in LOGGED},
        "quantiles": f"{{{quantiles}}}",
        "median": forecast.median,
        "lower80": forecast.interval80[0],
        "upper80": forecast.interval80[1],
        "lower95": forecast.interval95[0],
        "upper95": forecast.interval95[1],
    }
