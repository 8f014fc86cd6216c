"""Training sets, models, their evaluation and the forecasts, for the tokens that the settings name.

The steps hand each other nothing: they meet in the mart and in the model registry. So each can be tried again, run
alone or run elsewhere, and the monthly evaluation needs no training before it. Training and evaluation are one step for
each token: docs/adr/0072-a-step-for-each-token.md.
"""

import dagster as dg

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.market.model import Token
from coinsphere.settings import Settings
from ml import pipeline
from ml.data import datasets
from ml.data.datasets import TrainingSet
from ml.serving.forecasting import Forecast
from orchestration import automation, failures
from orchestration.forecasting import figures, spread
from orchestration.forecasting.global_assets import GLOBAL_PREDICTIONS
from orchestration.forecasting.tokens import Outcome, TokenChoice, for_each
from orchestration.warehouse.assets import FEATURES

TRAINING_SETS = dg.AssetKey(["forecasting", "training_sets"])
TRAINED_MODELS = dg.AssetKey(["forecasting", "trained_models"])
EVALUATION = dg.AssetKey(["forecasting", "evaluation"])
PREDICTIONS = dg.AssetKey(["forecasting", "predictions"])

_SHOWN_DAYS = 90


@dg.asset(
    key=TRAINING_SETS,
    deps=[FEATURES],
    group_name="forecasting",
    owners=["team:ml"],
    kinds={"python", "postgres"},
    retry_policy=failures.PATIENT,
    freshness_policy=automation.weekly_or_late(),
)
@failures.classified()
def training_sets(
    config: TokenChoice,
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
) -> dg.MaterializeResult:
    """Snapshots of daily closes that models are trained on, named by the digest of their content."""

    def snapshot(token: Token) -> TrainingSet:
        with database.connection() as conn:
            return pipeline.build_training_set(conn, token, settings)

    sets = for_each(database, config.chosen(settings), snapshot).required()
    return dg.MaterializeResult(metadata=figures.of_training_sets(sets))


def _train(
    settings: Settings, database: Database, clock: Clock, run_id: str, token: Token
) -> figures.Metadata:
    """The LSTM and its baselines, trained for each token and registered; who serves is decided by the evaluation."""
    with database.connection() as conn:
        training_set = pipeline.build_training_set(conn, token, settings)
    made = pipeline.train_token(settings, training_set, clock=clock, dagster_run_id=run_id)
    return figures.of_models(token.symbol, made)


trained_models = spread.build(
    TRAINED_MODELS,
    TRAINING_SETS,
    FEATURES,
    _train,
    counted="models",
    kinds={"python", "pytorch", "mlflow"},
)


def _evaluate(
    settings: Settings, database: Database, clock: Clock, _: str, token: Token
) -> figures.Metadata:
    """The newest registered models of each token, scored on the same held-out days; the best one serves from now on."""
    models = pipeline.registered_models(settings, token)
    with database.connection() as conn:
        training_set = pipeline.build_training_set(conn, token, settings)
        conn.commit()  # no transaction stays open while models forecast: it would keep an import waiting
        made = pipeline.evaluate_token(conn, settings, training_set, models, clock=clock)
    return figures.of_evaluation(token.symbol, made)


evaluation = spread.build(
    EVALUATION,
    TRAINED_MODELS,
    FEATURES,
    _evaluate,
    counted="scores",
    kinds={"python", "mlflow", "postgres"},
)


@dg.asset(
    key=PREDICTIONS,
    deps=[EVALUATION, FEATURES, GLOBAL_PREDICTIONS],
    group_name="forecasting",
    owners=["team:ml"],
    kinds={"python", "mlflow", "postgres"},
    retry_policy=failures.PATIENT,
    freshness_policy=automation.daily_after_close(),
)
@failures.classified()
def predictions(
    context: dg.AssetExecutionContext,
    config: TokenChoice,
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """What each token's champion expects 1, 7, 14 and 30 days after the last daily close. A forecast is never changed.

    A token without a champion is named and passed over: on a new system the daily job comes before the first training.
    """

    def predict(token: Token) -> tuple[TrainingSet, list[Forecast]]:
        with database.connection() as conn:
            forecasts = pipeline.predict_token(
                conn, settings, token, clock(), dagster_run_id=context.run.run_id
            )
            return datasets.load(conn, token, _SHOWN_DAYS), forecasts

    issued: Outcome[tuple[TrainingSet, list[Forecast]]]
    issued = for_each(database, config.chosen(settings), predict)
    return dg.MaterializeResult(metadata=figures.of_predictions(issued))
