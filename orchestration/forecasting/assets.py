"""Training sets, models, their evaluation and the forecasts, for the tokens that the settings name.

The steps hand each other nothing: they meet in the mart and in the model registry. So each can be tried again, run
alone or run elsewhere, and the monthly evaluation needs no training before it. Why tokens are no partitions:
docs/adr/0071-training-is-not-partitioned.md.
"""

import dagster as dg

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.market.model import Token
from coinsphere.settings import Settings
from ml import datasets, pipeline
from ml.datasets import TrainingSet
from ml.results import Evaluation, Forecast, TrainedModel
from orchestration import automation, failures
from orchestration.forecasting import figures
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


@dg.asset(
    key=TRAINED_MODELS,
    deps=[TRAINING_SETS, FEATURES],
    group_name="forecasting",
    owners=["team:ml"],
    kinds={"python", "pytorch", "mlflow"},
    pool="training",
    retry_policy=failures.PATIENT,
    freshness_policy=automation.weekly_or_late(),
)
@failures.classified()
def trained_models(
    context: dg.AssetExecutionContext,
    config: TokenChoice,
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """The LSTM and its baselines, trained for each token and registered; who serves is decided by the evaluation."""

    def train(token: Token) -> list[TrainedModel]:
        with database.connection() as conn:
            training_set = pipeline.build_training_set(conn, token, settings)
        context.log.info("Training %s on %d days", token.symbol, len(training_set.days))
        return pipeline.train_token(settings, training_set, clock=clock)

    models = for_each(database, config.chosen(settings), train).required()
    return dg.MaterializeResult(metadata=figures.of_models(models))


@dg.asset(
    key=EVALUATION,
    deps=[TRAINED_MODELS, FEATURES],
    group_name="forecasting",
    owners=["team:ml"],
    kinds={"python", "mlflow", "postgres"},
    retry_policy=failures.PATIENT,
    freshness_policy=automation.weekly_or_late(),
)
@failures.classified()
def evaluation(
    config: TokenChoice,
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """The newest registered models of each token, scored on the same held-out days; the best one serves from now on."""

    def evaluate(token: Token) -> Evaluation:
        models = pipeline.registered_models(settings, token)
        with database.connection() as conn:
            training_set = pipeline.build_training_set(conn, token, settings)
            return pipeline.evaluate_token(conn, settings, training_set, models, clock=clock)

    evaluations = for_each(database, config.chosen(settings), evaluate).required()
    return dg.MaterializeResult(metadata=figures.of_evaluations(evaluations))


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
            forecasts = pipeline.predict_token(conn, settings, token, clock())
            return datasets.load(conn, token, _SHOWN_DAYS), forecasts

    issued: Outcome[tuple[TrainingSet, list[Forecast]]]
    issued = for_each(database, config.chosen(settings), predict)
    return dg.MaterializeResult(metadata=figures.of_predictions(issued))
