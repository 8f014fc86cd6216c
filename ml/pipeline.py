"""The four steps from prices to forecasts that the orchestration calls, in this order.

Importing this module is cheap: torch and MLflow are imported by the steps that need them.
"""

from collections.abc import Sequence
from datetime import datetime

from psycopg import Connection

from coinsphere.clock import Clock, utc_now
from coinsphere.market.model import Token
from coinsphere.settings import Settings
from ml.data import datasets
from ml.data.datasets import TrainingSet
from ml.evaluation.results import Evaluation, Forecast, TrainedModel


def build_training_set(conn: Connection, token: Token, settings: Settings) -> TrainingSet:
    """Read the last `settings.ml_training_days` days of `token`, and record the snapshot in `model.training_sets`.

    Raises:
        TooLittleHistory: the token has no final, unfilled day.
        BadHistory: a close is not a positive finite number.
    """
    training_set = datasets.load(conn, token, settings.ml_training_days)
    datasets.record(conn, training_set)
    return training_set


def train_token(
    settings: Settings,
    training_set: TrainingSet,
    *,
    clock: Clock = utc_now,
    dagster_run_id: str = "",
) -> list[TrainedModel]:
    """Train the LSTM and its baselines, log each as an MLflow run and register a version of it.

    Needs no database. No alias is set: only `evaluate_token` does.

    Raises:
        TooLittleHistory: fewer days than the four parts need.
        RegistryUnavailable: the tracking server does not answer.
    """
    from ml.registry import token_training  # noqa: PLC0415 - slow to import

    return token_training.train_token(
        settings, training_set, clock=clock, dagster_run_id=dagster_run_id
    )


def registered_models(settings: Settings, token: Token) -> list[TrainedModel]:
    """The newest registered version of each algorithm of `token`, with its files: what an evaluation compares.

    Empty where none is registered. The steps of the orchestration meet here: none hands models to the next.

    Raises:
        RegistryUnavailable: the tracking server does not answer.
        ArtifactRefused: a model's files are not what its manifest says.
    """
    from ml.registry import token_registry  # noqa: PLC0415 - slow to import

    return token_registry.newest(settings, token)


def evaluate_token(
    conn: Connection,
    settings: Settings,
    training_set: TrainingSet,
    trained: Sequence[TrainedModel],
    *,
    clock: Clock = utc_now,
) -> Evaluation:
    """Score the models on the held-out part, write `model.evaluations` and what the champion forecast, and set the aliases.

    Raises:
        RegistryUnavailable: the tracking server does not answer; nothing is written then.
    """
    from ml.evaluation import held_out, held_out_log  # noqa: PLC0415 - slow to import
    from ml.monitoring import held_out_forecasts  # noqa: PLC0415
    from ml.registry import token_registry  # noqa: PLC0415 - slow to import

    outcome = held_out.evaluate(training_set, trained, evaluated_at=clock())
    held_out_log.record(conn, outcome)
    held_out_forecasts.of_token(conn, outcome, training_set.price_source)
    token_registry.promote(settings, outcome)
    return outcome


def predict_token(
    conn: Connection,
    settings: Settings,
    token: Token,
    now: datetime,
    *,
    dagster_run_id: str = "",
) -> list[Forecast]:
    """Forecast all horizons with the champion from the last final close, and write `model.predictions`.

    They are shadows at the horizons where a global champion stands: of one horizon, one forecast is public.
    A forecast of the same origin by the same version is written once. One whose target has passed by `now` is
    marked as a backfill.

    Raises:
        NoChampion: no evaluated model is registered for the token.
        TooLittleHistory: the last days have too many gaps.
        RegistryUnavailable: the tracking server does not answer.
    """
    from ml.monitoring import prediction_log  # noqa: PLC0415 - slow to import
    from ml.registry import global_registry  # noqa: PLC0415 - slow to import

    forecasts = prediction_log.issue(conn, settings, token, now)
    above = global_registry.standing(settings, global_registry.serving(settings), now)
    prediction_log.record(conn, forecasts, shadows=above, dagster_run_id=dagster_run_id)
    return forecasts
