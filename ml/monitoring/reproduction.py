"""A stored forecast computed again, from its snapshot and its version, to be compared bit by bit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere.market.reference import tokens
from coinsphere.settings import Settings
from ml.data import history, snapshots
from ml.errors import ModelError
from ml.monitoring import prediction_log
from ml.monitoring.prediction_log import Stored
from ml.registry import global_registry, token_registry
from ml.registry.global_version import NAME
from ml.serving import global_forecasting, token_forecasting


@dataclass(frozen=True, slots=True)
class Reproduced:
    """A stored forecast beside the same one computed again; `differences` is empty if they are equal to the last bit."""

    prediction_id: UUID
    model: str
    version: int
    input_digest: str
    quantiles: Mapping[str, str]
    differences: tuple[str, ...]


def reproduce(conn: Connection, settings: Settings, prediction_id: UUID) -> Reproduced:
    """Compute a stored forecast again, be it of the global model, of its baseline or of a token's own.

    Raises:
        LookupError: there is no such forecast.
        ModelError: its snapshot is not kept, or was changed.
        RegistryUnavailable: MLflow does not answer.
        ArtifactRefused: the version's files are not what was registered.
    """
    row = prediction_log.prediction(conn, prediction_id)
    if row.input_digest is None:
        raise ModelError(
            f"{prediction_id} was issued before the closes that a forecast of {row.model_name} starts from were kept"
        )
    is_global = row.model_name == NAME
    prices, differences = (
        _global(conn, settings, row, row.input_digest)
        if is_global
        else (_of_token(conn, settings, row, row.input_digest), [])
    )
    stored = json.loads(row.quantiles, parse_float=Decimal, parse_int=Decimal)
    differences += [
        f"quantile {level}: {stored.get(level)} was stored, {price:f} comes out"
        for level, price in prices.items()
        if stored.get(level) != price
    ]
    return Reproduced(
        prediction_id,
        row.model_name,
        row.model_version,
        row.input_digest,
        {level: f"{price:f}" for level, price in prices.items()},
        tuple(differences),
    )


def _global(
    conn: Connection, settings: Settings, row: Stored, digest: str
) -> tuple[Mapping[str, Decimal], list[str]]:
    """Prices by level, and which numbers of the distribution differ."""
    snapshot = snapshots.kept_panel(conn, digest)
    loaded = global_registry.load(settings, row.model_version)
    forecast = next(
        candidate
        for candidate in global_forecasting.distributions(loaded.version, snapshot)
        if (candidate.symbol, candidate.horizon_days) == (row.symbol, row.horizon_days)
    )
    differences = [
        f"{name}: {_value(row, name)!r} was stored, {_value(forecast, name)!r} comes out"
        for name in ("location", "log_scale", "degrees", "width80", "width95")
        if _value(row, name) != _value(forecast, name)
    ]
    return forecast.quantiles(row.reference_price), differences


def _of_token(
    conn: Connection, settings: Settings, row: Stored, digest: str
) -> Mapping[str, Decimal]:
    """Prices by level."""
    closes = history.kept(conn, tokens.get(conn, row.token_id), digest, row.price_source)
    champion = token_registry.load(settings, row.model_name, row.model_version)
    forecasts = token_forecasting.forecasts(
        champion, history.of(closes, row.reference_price), row.issued_at
    )
    return next(
        forecast.quantiles for forecast in forecasts if forecast.horizon_days == row.horizon_days
    )


def _value(distribution: object, name: str) -> Any:
    return getattr(distribution, name)
