"""What MLflow opens a registered version by: `mlflow.pyfunc.load_model`, `mlflow models predict` and `serve`.

Every version of every family is asked with a table of candles and answers with one of prices. The product itself serves
through `ml.serving.server`, which reads no `MLmodel`: that file lies beside the others, and whoever can change it decides
what MLflow runs.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from mlflow import MlflowClient

from coinsphere.clock import iso, start_of_day
from coinsphere.market.anchoring import price
from ml.data import panel
from ml.data.datasets import on_calendar
from ml.data.horizons import CONTEXT, HORIZONS, LEVELS
from ml.data.panel import Panel
from ml.data.windows import complete
from ml.errors import ArtifactRefused, BadHistory, TooLittleHistory
from ml.models import artifact
from ml.models.artifact import Artifact
from ml.models.manifest import MANIFEST
from ml.registry import global_version, versions
from ml.registry.flavours import CANDLES, CLOSES, FORECAST
from ml.registry.global_version import GlobalVersion
from ml.serving import global_forecasting


class Predictor(Protocol):
    """What MLflow asks."""

    def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
        """A row for each token and horizon, with the columns `FORECAST`."""
        ...


def _load_pyfunc(path: str) -> Predictor:
    """The version whose files lie at a path; MLflow calls it by this name.

    Raises:
        ArtifactRefused: the registry that `MLFLOW_TRACKING_URI` names vouches for no version with these files.
    """
    folder = Path(path)
    files = dict(versions.read(folder))
    if MANIFEST not in files:
        raise ArtifactRefused(f"{MANIFEST} is missing")
    version = versions.vouched(MlflowClient(), folder, files[MANIFEST])
    digest = versions.manifest_digest(version)
    if version.name == global_version.NAME:
        return OfAllTokens(global_version.unpack(files, digest))
    return OfOneToken(artifact.unpack(files, digest))


class OfOneToken:
    """A token's own model. Asked with `CLOSES`, it answers from the last one on."""

    def __init__(self, opened: Artifact) -> None:
        self._opened = opened

    def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
        """See `Predictor`.

        Raises:
            BadHistory: a column is missing, a day comes twice or is none, or a close is not a positive finite number.
            TooLittleHistory: fewer days than a forecast needs, or too many gaps among them.
        """
        table = _table(model_input, tuple(CLOSES)).sort_values("date")
        days = np.array(table["date"], dtype="datetime64[D]")
        closes = table["close"].to_numpy(dtype=np.float64)
        _check(days, closes)
        filled, known = on_calendar(days, closes)
        if not complete(known)[-1]:
            raise TooLittleHistory(
                f"{len(days)} closes; a forecast needs the last {CONTEXT} days with few gaps"
            )
        returns = self._opened.forecaster.quantiles(np.log(filled[-CONTEXT:])[None])[0]
        reference, origin = Decimal(float(closes[-1])), _closed(panel.as_date(days[-1]))
        return _frame(
            (
                self._opened.facts.symbol,
                origin,
                horizon,
                *(float(price(reference, each)) for each in levels),
            )
            for horizon, levels in zip(HORIZONS, returns.tolist(), strict=True)
        )


class OfAllTokens:
    """The model of all tokens. Asked with `CANDLES`, it answers for each token from its last known day on."""

    def __init__(self, version: GlobalVersion) -> None:
        self._version = version

    def predict(self, model_input: pd.DataFrame) -> pd.DataFrame:
        """See `Predictor`; a token of fewer days than a forecast needs has no row.

        Raises:
            BadHistory: a column is missing, a token's day comes twice or is none, or a price is not a positive finite
                number.
            TooLittleHistory: there is no candle.
        """
        candles = _candles(_table(model_input, tuple(CANDLES)))
        return _frame(self._rows(candles))

    def _rows(self, candles: Panel) -> Iterator[tuple[Any, ...]]:
        for each in global_forecasting.distributions(self._version, candles):
            day = candles.index((each.origin_at - timedelta(days=1)).date())
            close = candles.closes[candles.symbols.index(each.symbol), day]
            prices = each.quantiles(Decimal(float(close)))
            levels = (float(prices[str(level)]) for level in LEVELS)
            yield each.symbol, iso(each.origin_at), each.horizon_days, *levels


def _candles(table: pd.DataFrame) -> Panel:
    if table.duplicated(["token", "date"]).any():
        raise BadHistory("a token has two candles of one day")
    rows: dict[str, dict[date, list[float]]] = {}
    for token, day, *candle in table[list(CANDLES)].itertuples(index=False):
        rows.setdefault(str(token), {})[_day(day)] = [float(value) for value in candle]
    return panel.from_rows(rows, price_source="table", location="the table")


def _table(asked: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    missing = [name for name in columns if name not in asked.columns]
    if missing:
        raise BadHistory(f"columns are missing: {', '.join(missing)}")
    table = asked[list(columns)].copy()
    table["date"] = [_day(value) for value in table["date"]]
    return table


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise BadHistory(f"{value!r} is no day: YYYY-MM-DD") from error


def _check(days: "np.ndarray[Any, Any]", closes: "np.ndarray[Any, Any]") -> None:
    if not len(days):
        raise TooLittleHistory("there is no close")
    if not (np.isfinite(closes).all() and (closes > 0).all()):
        raise BadHistory("a close is not a positive finite number")
    if not (np.diff(days) > np.timedelta64(0, "D")).all():
        raise BadHistory("a day comes twice")


def _closed(day: date) -> str:
    return iso(start_of_day(day + timedelta(days=1)))


def _frame(rows: Iterator[tuple[Any, ...]]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(FORECAST))
