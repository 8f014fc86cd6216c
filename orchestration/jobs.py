"""Which assets run together. Each job is one run, and most runs are one process: starting it costs more than most steps."""

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from coinsphere.settings import Settings
from orchestration import minute
from orchestration.alerts.assets import EVALUATIONS
from orchestration.defi.assets import GOES_ON, PROTOCOLS
from orchestration.execution import executors
from orchestration.forecasting.assets import (
    EVALUATION,
    GLOBAL_MODEL,
    GLOBAL_PREDICTIONS,
    PREDICTIONS,
    TRAINED_MODELS,
    TRAINING_SETS,
)
from orchestration.market.assets import (
    QUOTES,
    TOKEN_METADATA,
    candles_daily,
    candles_hourly,
    quotes,
)
from orchestration.market.implied_volatility import IMPLIED_VOLATILITY
from orchestration.portfolios.assets import EXCHANGE_RATES, POSITION_VALUES
from orchestration.warehouse.assets import DBT_DOCS, RISK_SCORES

Job = UnresolvedAssetJobDefinition | dg.JobDefinition

_DAILY_CANDLES = dg.AssetSelection.assets(candles_daily)
_HOUR = dg.AssetSelection.assets(candles_daily, candles_hourly, quotes)
_CANDLE_CHECKS = dg.AssetSelection.checks_for_assets(candles_daily)
_MINUTE = dg.AssetSelection.assets(QUOTES, EVALUATIONS)
_VALUES = dg.AssetSelection.assets(EXCHANGE_RATES, POSITION_VALUES)
_IMPLIED = dg.AssetSelection.assets(IMPLIED_VOLATILITY)
_PROTOCOLS = dg.AssetSelection.assets(PROTOCOLS)
_GLOBAL = dg.AssetSelection.assets(GLOBAL_MODEL, GLOBAL_PREDICTIONS)
_MODELS = dg.AssetSelection.assets(TRAINING_SETS, TRAINED_MODELS, EVALUATION, PREDICTIONS) | _GLOBAL

HEAVY = {"coinsphere/weight": "heavy"}
"""One run with this tag at a time, see `dagster.yaml`: a slot stays free for the minute."""

_MINUTES = 60
_HOURS = 60 * _MINUTES


def build(dbt_models: dg.AssetsDefinition, settings: Settings) -> Sequence[Job]:
    """All jobs. `history` and `pipeline` are what `coinsphere up` launches, the others have schedules."""
    warehouse = dg.AssetSelection.assets(dbt_models, RISK_SCORES)
    spreading = executors.spreading(settings)
    return [
        _history(),
        _pipeline(warehouse),
        _minute(),
        _hourly(warehouse),
        _daily(warehouse),
        _training(spreading),
        _defi(),
        _evaluation(spreading),
    ]


def _history() -> Job:
    return _job(
        "history",
        # Alone: Dagster plans each other asset of the run once for every day of the range.
        _DAILY_CANDLES.without_checks(),
        6 * _HOURS,
        "Fill the history of daily candles. The run's partition range says which days.",
    )


def _pipeline(warehouse: dg.AssetSelection) -> Job:
    unpartitioned = dg.AssetSelection.assets(TOKEN_METADATA, candles_hourly, DBT_DOCS) | _MINUTE
    return _job(
        "pipeline",
        unpartitioned | _CANDLE_CHECKS | warehouse | _VALUES | _IMPLIED | _MODELS | _PROTOCOLS,
        3 * _HOURS,
        "Everything but daily candles, once: checks, dbt, training, evaluation, predictions, alerts, protocols.",
        {GOES_ON: "true"},
    )


def _minute() -> Job:
    return _job(
        minute.NAME,
        _MINUTE,
        5 * _MINUTES,
        "Quotes and alerts, where they failed without a run: the schedule does a minute's work itself, and its ticks "
        "say what came of it.",
        {"dagster/priority": "1", "dagster/max_retries": "0"},
        is_heavy=False,
    )


def _hourly(warehouse: dg.AssetSelection) -> Job:
    return _job(
        "hourly",
        _HOUR | warehouse,
        _HOURS,
        "Candles and quotes, their checks, and what dbt makes of them.",
    )


def _daily(warehouse: dg.AssetSelection) -> Job:
    forecasts = dg.AssetSelection.assets(TOKEN_METADATA, PREDICTIONS, GLOBAL_PREDICTIONS)
    described = dg.AssetSelection.assets(DBT_DOCS)
    return _job(
        "daily",
        _HOUR | warehouse | _VALUES | _IMPLIED | forecasts | described,
        2 * _HOURS,
        "The hour's work after the daily close, and predictions.",
    )


def _training(spreading: dg.ExecutorDefinition) -> Job:
    return _job(
        "training",
        _MODELS,
        6 * _HOURS,
        "Retrain, evaluate and predict; a step for each token.",
        executor=spreading,
    )


def _defi() -> Job:
    return _job(
        "defi", _PROTOCOLS, 15 * _MINUTES, "What lies in DeFi protocols and what they yield."
    )


def _evaluation(spreading: dg.ExecutorDefinition) -> Job:
    return _job(
        "evaluation",
        dg.AssetSelection.assets(EVALUATION, PREDICTIONS),
        6 * _HOURS,
        "Evaluate every registered model anew and choose the champions.",
        executor=spreading,
    )


def _job(
    name: str,
    selection: dg.AssetSelection,
    max_runtime: int,
    description: str,
    tags: dict[str, str] | None = None,
    *,
    is_heavy: bool = True,
    executor: dg.ExecutorDefinition = dg.in_process_executor,
) -> Job:
    """A job that ends by force after `max_runtime` seconds; of heavy ones, which yield to people, only one runs at a time."""
    weight = HEAVY if is_heavy else {}
    executor = executors.yielding(executor) if is_heavy else executor
    return dg.define_asset_job(
        name,
        selection,
        description=description,
        tags={"dagster/max_runtime": str(max_runtime), **weight, **(tags or {})},
        executor_def=executor,
    )
