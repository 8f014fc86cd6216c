"""What Dagster shows of the per-token forecasting assets: counts, tables and small pictures. Pure functions."""

from datetime import date, timedelta
from typing import Any

import dagster as dg
import numpy as np

from ml.data.datasets import TrainingSet
from ml.evaluation.results import Evaluation, Score, TrainedModel
from ml.serving.forecasting import Forecast
from orchestration.forecasting.tokens import Outcome
from orchestration.metadata import plots
from orchestration.metadata.tables import table

Metadata = dict[str, dg.MetadataValue]


def of_training_sets(sets: Outcome[TrainingSet]) -> Metadata:
    """Days of each snapshot, and its closes as a picture with the gaps marked."""
    rows = [
        {
            "token": symbol,
            "days": len(training_set.days),
            "missing": len(_gaps(training_set)),
            "first": training_set.first_day,
            "last": training_set.last_day,
            "source": training_set.price_source,
            "digest": training_set.digest[:12],
        }
        for symbol, training_set in sets.done.items()
    ]
    pictures = {
        f"{symbol} prices": plots.price_history(
            symbol, _dates(training_set.days), training_set.closes.tolist(), _gaps(training_set)
        )
        for symbol, training_set in sets.done.items()
    }
    count = sum(len(training_set.days) for training_set in sets.done.values())
    return {**_facts(count, sets), "training sets": dg.MetadataValue.md(table(rows)), **pictures}


def of_models(symbol: str, versions: list[TrainedModel]) -> Metadata:
    """Each registered version of a token with its figures, and the pictures that training drew."""
    rows = [
        {
            "token": symbol,
            "algorithm": model.algorithm,
            "version": model.version,
            "run": model.run_id,
            "code": model.code_version[:12],
            "data": model.data_digest[:12],
            "figures": ", ".join(f"{name} {value:.4g}" for name, value in model.metrics.items()),
        }
        for model in versions
    ]
    pictures = {
        f"{symbol} {model.algorithm} {name}": plots.embedded(image)
        for model in versions
        for name, image in model.plots.items()
    }
    return {"models": _rows(rows), **pictures}


def of_evaluation(symbol: str, evaluation: Evaluation) -> Metadata:
    """All scores of a token beside those of naive, its champion, and the pictures that the evaluation drew."""
    champion = {
        "token": symbol,
        "champion": evaluation.champion.algorithm,
        "version": evaluation.champion.version,
    }
    rows = [
        _score(symbol, evaluation, score)
        for score in sorted(
            evaluation.scores, key=lambda score: (score.horizon_days, score.pinball_loss)
        )
    ]
    pictures = {
        f"{symbol} {name}": plots.embedded(image) for name, image in evaluation.plots.items()
    }
    return {
        "scores": _rows(rows),
        "champions": _rows([champion]),
        **pictures,
    }


def together(counted: str, outcome: Outcome[Metadata]) -> Metadata:
    """Merges the metadata of all tokens: rows of the same name become one table, pictures stay as they are.

    Args:
        counted: the table whose rows are the asset's.
        outcome: by symbol.
    """
    rows: dict[str, list[dict[str, object]]] = {}
    pictures: Metadata = {}
    for metadata in outcome.done.values():
        for name, value in metadata.items():
            if isinstance(value, dg.JsonMetadataValue):
                columns, *values = value.value or ()
                rows.setdefault(name, []).extend(
                    dict(zip(columns, row, strict=True)) for row in values
                )
            else:
                pictures[name] = value
    tables = {name: dg.MetadataValue.md(table(table_rows)) for name, table_rows in rows.items()}
    return {**_facts(len(rows[counted]), outcome), **tables, **pictures}


def of_predictions(issued: Outcome[tuple[TrainingSet, list[Forecast]]]) -> Metadata:
    """Each forecast with its intervals, and as a fan behind the last closes."""
    rows = [
        {
            "token": symbol,
            "days": forecast.horizon_days,
            "from": forecast.reference_price,
            "median": forecast.median,
            "80 %": _interval(forecast.interval80),
            "95 %": _interval(forecast.interval95),
            "model": f"{forecast.model_name} {forecast.model_version} ({forecast.algorithm})",
        }
        for symbol, (_, forecasts) in issued.done.items()
        for forecast in forecasts
    ]
    pictures = {
        f"{symbol} forecast": plots.forecast_fan(
            symbol,
            _dates(recent.days),
            recent.closes.tolist(),
            [_fan(forecast) for forecast in forecasts],
        )
        for symbol, (recent, forecasts) in issued.done.items()
    }
    return {**_facts(len(rows), issued), "forecasts": dg.MetadataValue.md(table(rows)), **pictures}


def _facts(count: int, outcome: Outcome[Any]) -> Metadata:
    return {
        "dagster/row_count": dg.MetadataValue.int(count),
        "passed_over": dg.MetadataValue.md(outcome.reasons()),
    }


def _rows(rows: list[dict[str, object]]) -> dg.JsonMetadataValue:
    """Rows of the same columns under their names; as lists, for Dagster keeps no order of names."""
    return dg.MetadataValue.json([list(rows[0]), *(list(row.values()) for row in rows)])


def _score(symbol: str, evaluation: Evaluation, score: Score) -> dict[str, object]:
    is_champion = score.algorithm == evaluation.champion.algorithm
    return {
        "token": symbol,
        "days": score.horizon_days,
        "model": f"**{score.algorithm}**" if is_champion else score.algorithm,
        "pinball loss": f"{score.pinball_loss:.5f}",
        "mean absolute error": f"{score.mean_absolute_error:.5f}",
        "skill against naive": f"{score.skill_vs_naive:+.3f}",
        "in 80 %": f"{score.coverage80:.3f}",
        "in 95 %": f"{score.coverage95:.3f}",
        "forecasts": score.forecasts,
    }


def _fan(forecast: Forecast) -> plots.Fan:
    lower80, upper80 = forecast.interval80
    lower95, upper95 = forecast.interval95
    return plots.Fan(
        target=_closing_day(forecast),
        median=float(forecast.median),
        lower80=float(lower80),
        upper80=float(upper80),
        lower95=float(lower95),
        upper95=float(upper95),
    )


def _closing_day(forecast: Forecast) -> date:
    """The day whose close is forecast: it ends at the target."""
    return (forecast.target_at - timedelta(days=1)).date()


def _interval(bounds: tuple[object, object]) -> str:
    return f"{bounds[0]} to {bounds[1]}"


def _dates(days: np.ndarray) -> list[date]:
    return list(days.astype("datetime64[D]").astype(object))


def _gaps(training_set: TrainingSet) -> list[date]:
    """Days between the first and the last that have no close."""
    _, known = training_set.calendar()
    return _dates(training_set.days[0] + np.flatnonzero(~known))
