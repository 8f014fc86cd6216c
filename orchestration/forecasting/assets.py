"""Training sets, models, their evaluation and the forecasts: of the tokens that the settings name, and of all at once.

The steps hand each other nothing: they meet in the mart and in the model registry. So each can be tried again, run
alone or run elsewhere, and the monthly evaluation needs no training before it. Training and evaluation are one step for
each token: docs/adr/0072-a-step-for-each-token.md. The global model learns from all tokens at once, so its fit has nothing
to partition; its walk-forward spreads its blocks over `ml_processes` processes: docs/guides/forecasting.md.
"""

from typing import TypedDict

import dagster as dg

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.market.model import Token
from coinsphere.settings import Settings
from ml import pipeline
from ml.data import datasets
from ml.data.datasets import TrainingSet
from ml.errors import NoChampion, TooLittleHistory
from ml.serving.forecasting import Forecast
from orchestration import automation
from orchestration.execution import failures
from orchestration.forecasting import global_metadata, per_token, token_metadata, verdicts
from orchestration.forecasting.tokens import Outcome, TokenChoice, for_each
from orchestration.operations import notifications
from orchestration.warehouse.assets import FEATURES

TRAINING_SETS = dg.AssetKey(["forecasting", "training_sets"])
TRAINED_MODELS = dg.AssetKey(["forecasting", "trained_models"])
EVALUATION = dg.AssetKey(["forecasting", "evaluation"])
PREDICTIONS = dg.AssetKey(["forecasting", "predictions"])
GLOBAL_MODEL = dg.AssetKey(["forecasting", "global_model"])
GLOBAL_PREDICTIONS = dg.AssetKey(["forecasting", "global_predictions"])


class _Step(TypedDict):
    group_name: str
    owners: list[str]
    retry_policy: dg.RetryPolicy


_SKIPPED = "Nothing to learn from yet: {reason}"

_SHOWN_DAYS = 90
_STEP = _Step(group_name="forecasting", owners=["team:ml"], retry_policy=failures.PATIENT)
"""What all steps here have in common."""


@dg.asset(
    key=TRAINING_SETS,
    deps=[FEATURES],
    kinds={"python", "postgres"},
    **_STEP,
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
    return dg.MaterializeResult(metadata=token_metadata.of_training_sets(sets))


def _train(
    settings: Settings, database: Database, clock: Clock, run_id: str, token: Token
) -> token_metadata.Metadata:
    """The LSTM and its baselines, trained for each token and registered; who serves is decided by the evaluation."""
    with database.connection() as conn:
        training_set = pipeline.build_training_set(conn, token, settings)
    trained = pipeline.train_token(settings, training_set, clock=clock, dagster_run_id=run_id)
    return token_metadata.of_models(token.symbol, trained)


trained_models = per_token.build(
    TRAINED_MODELS,
    TRAINING_SETS,
    FEATURES,
    _train,
    counted="models",
    kinds={"python", "pytorch", "mlflow"},
)


def _evaluate(
    settings: Settings, database: Database, clock: Clock, _: str, token: Token
) -> token_metadata.Metadata:
    """The newest registered models of each token, scored on the same held-out days; the best one serves from now on."""
    models = pipeline.registered_models(settings, token)
    with database.connection() as conn:
        training_set = pipeline.build_training_set(conn, token, settings)
        conn.commit()  # no transaction stays open while models forecast: it would keep an import waiting
        evaluated = pipeline.evaluate_token(conn, settings, training_set, models, clock=clock)
    return token_metadata.of_evaluation(token.symbol, evaluated)


evaluation = per_token.build(
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
    kinds={"python", "mlflow", "postgres"},
    **_STEP,
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
    return dg.MaterializeResult(metadata=token_metadata.of_predictions(issued))


@dg.asset(
    key=GLOBAL_MODEL,
    deps=[FEATURES],
    kinds={"python", "pytorch", "mlflow"},
    pool="training",
    **_STEP,
    freshness_policy=automation.weekly_or_late(),
    check_specs=verdicts.specs(GLOBAL_MODEL),
)
@failures.classified()
def global_model(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """The newest version of the global model, walked forward over four years and judged.

    At each horizon where it passes it serves where nothing does, else it forecasts in the champion's shadow first. A failed
    gate is a warning, and mailed if the version before had passed: the version is kept and shown, and what served before
    goes on. The baseline is trained and registered in any case.
    """
    with database.connection() as conn:
        try:
            panel = pipeline.build_panel(conn)
            conn.commit()  # no transaction stays open for the hours of a training: it would keep an import waiting
            trained = pipeline.train_global(
                conn, settings, panel, clock=clock, dagster_run_id=context.run.run_id
            )
            notifications.tell(
                conn,
                settings,
                f"{GLOBAL_MODEL.to_user_string()}: gates",
                global_metadata.refusal(trained),
                version=trained.version,
                run_id=context.run.run_id,
                now=clock(),
            )
        except TooLittleHistory as reason:
            return _unjudged(str(reason))
    return dg.MaterializeResult(
        metadata=global_metadata.of_version(trained),
        check_results=[verdicts.of(gate, trained) for gate in trained.report.gates],
    )


def _unjudged(reason: str) -> dg.MaterializeResult:
    """No version, and every gate as one that could not judge."""
    return dg.MaterializeResult(
        metadata={"passed_over": dg.MetadataValue.md(_SKIPPED.format(reason=reason))},
        check_results=[verdicts.unknown(name, reason) for name in verdicts.GATES],
    )


@dg.asset(
    key=GLOBAL_PREDICTIONS,
    deps=[GLOBAL_MODEL, FEATURES],
    kinds={"python", "mlflow", "postgres"},
    **_STEP,
    freshness_policy=automation.daily_after_close(),
)
@failures.classified()
def global_predictions(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """What the global model expects of every token after the last daily close: champions, baseline and challenger."""
    with database.connection() as conn:
        try:
            issued = pipeline.predict_global(
                conn, settings, clock(), dagster_run_id=context.run.run_id
            )
        except (NoChampion, TooLittleHistory) as reason:
            return dg.MaterializeResult(
                metadata={"dagster/row_count": 0, "passed_over": dg.MetadataValue.md(str(reason))}
            )
    return dg.MaterializeResult(metadata=global_metadata.of_issued(issued))
