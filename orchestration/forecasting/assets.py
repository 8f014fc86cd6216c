"""Training sets, models, their evaluation and the forecasts, for the tokens that the settings name."""

import dagster as dg

TRAINING_SETS = dg.AssetKey(["forecasting", "training_sets"])
TRAINED_MODELS = dg.AssetKey(["forecasting", "trained_models"])
EVALUATION = dg.AssetKey(["forecasting", "evaluation"])
PREDICTIONS = dg.AssetKey(["forecasting", "predictions"])


@dg.asset(key=TRAINING_SETS, deps=[["marts", "ml_features_daily"]])
def training_sets() -> None: ...


@dg.asset(key=TRAINED_MODELS, deps=[TRAINING_SETS])
def trained_models() -> None: ...


@dg.asset(key=EVALUATION, deps=[TRAINED_MODELS])
def evaluation() -> None: ...


@dg.asset(key=PREDICTIONS, deps=[EVALUATION])
def predictions() -> None: ...
