"""Commands that train, evaluate and use models, and show what the registry holds; thin over `ml.pipeline`."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import click
from rich.table import Table

from coinsphere.cli.console import console as new_console
from coinsphere.cli.progress import stage
from coinsphere.clock import utc_now
from coinsphere.errors import CoinsphereError
from coinsphere.market.model import Token
from coinsphere.settings import Settings
from ml.cli import each_token, tables
from ml.cli.backtest import backtest
from ml.cli.database import connection
from ml.cli.implied import implied
from ml.errors import ArtifactRefused
from ml.evaluation.results import Score

if TYPE_CHECKING:
    from ml.registry.token_listing import Promotion

_symbols = click.argument("symbols", nargs=-1, metavar="[SYMBOL]...")


def register(cli: click.Group) -> None:
    """Add them to `coinsphere`."""
    ml.add_command(backtest)
    ml.add_command(implied)
    cli.add_command(ml)


@click.group()
def ml() -> None:
    """Train, evaluate and use the models; without a SYMBOL those of the setting `ml_tokens`."""


@ml.command()
@_symbols
def train(symbols: tuple[str, ...]) -> None:
    """Train all models of each token and register them; who serves is decided by `evaluate`."""
    from ml import pipeline

    settings, table = Settings.from_env(), Table("token", "model", "version", "run", "figures")

    def act(symbol: str) -> None:
        token = _token(settings, symbol)
        with connection(settings) as conn:
            training_set = pipeline.build_training_set(conn, token, settings)
        with stage(f"Training the models of {token.symbol}"):
            trained = pipeline.train_token(settings, training_set)
        for model in trained:
            figures = ", ".join(f"{name} {value:.4g}" for name, value in model.metrics.items())
            table.add_row(token.symbol, model.algorithm, str(model.version), model.run_id, figures)

    _for_each(symbols or settings.ml_tokens, act, table)


@ml.command()
@_symbols
def evaluate(symbols: tuple[str, ...]) -> None:
    """Score the newest version of each model on days that none of them has seen; the best one becomes champion."""
    from ml import pipeline

    settings, table = Settings.from_env(), tables.scores()

    def act(symbol: str) -> None:
        token = _token(settings, symbol)
        models = pipeline.registered_models(settings, token)
        with connection(settings) as conn, stage(f"Evaluating the models of {token.symbol}"):
            training_set = pipeline.build_training_set(conn, token, settings)
            evaluation = pipeline.evaluate_token(conn, settings, training_set, models)
        for score in evaluation.scores:
            tables.add_score(table, token.symbol, score, champion=evaluation.champion.version)

    _for_each(symbols or settings.ml_tokens, act, table)


@ml.command()
@_symbols
def predict(symbols: tuple[str, ...]) -> None:
    """Forecast from the last daily close with each champion, and write the prediction log."""
    from ml import pipeline

    settings = Settings.from_env()
    table = Table("token", "from", "days", "price", "median", "80 %", "95 %", "model")

    def act(symbol: str) -> None:
        token = _token(settings, symbol)
        with connection(settings) as conn, stage(f"Forecasting {token.symbol}"):
            forecasts = pipeline.predict_token(conn, settings, token, utc_now())
        for forecast in forecasts:
            table.add_row(*tables.forecast_row(forecast))

    _for_each(symbols or settings.ml_tokens, act, table)


@ml.command()
def show() -> None:
    """Show each token's champion, and the held-out figures of all its models beside naive."""
    from ml.registry import token_listing

    settings, table = Settings.from_env(), tables.scores()
    listing = token_listing.listing(settings)
    faults = dict(listing.unreadable)
    for promotion in listing.promotions:
        try:
            for score in _figures(settings, promotion):
                tables.add_score(table, promotion.model_name, score, champion=promotion.version)
        except ArtifactRefused as error:
            faults[promotion.model_name] = str(error)
    new_console().print(table if table.row_count else "No model was evaluated yet.")
    for name, why in faults.items():
        click.echo(f"{name} cannot be used: {why}", err=True)


@ml.command("train-global")
def train_global() -> None:
    """Train the global model on all tokens, judge it, and let it serve if it passes every gate."""
    from ml import pipeline

    settings = Settings.from_env()
    with connection(settings) as conn, stage("Training and judging the global model"):
        panel = pipeline.build_panel(conn)
        training = pipeline.train_global(conn, settings, panel)
    days = ", ".join(map(str, training.report.horizons)) or "no"
    serves = ", ".join(map(str, training.serves)) or "no"
    click.echo(
        f"Version {training.version} ({training.model}) passed its gates at {days} days and serves at {serves} of them from now on; "
        f"gate report {training.report_id}"
    )
    for reason in training.report.refused():
        click.echo(f"  {reason}")


@ml.command("predict-global")
def predict_global() -> None:
    """Forecast all tokens with the global champion from the last daily close, and write the prediction log."""
    from ml import pipeline

    settings = Settings.from_env()
    with connection(settings) as conn:
        for issued in pipeline.predict_global(conn, settings, utc_now()):
            click.echo(
                f"Version {issued.version} ({issued.model}): {issued.forecasts} forecasts of {issued.tokens} tokens, "
                f"{issued.public} of them public"
            )


@ml.command()
@click.argument("prediction_id", type=click.UUID)
def reproduce(prediction_id: UUID) -> None:
    """Compute a stored forecast again from its snapshot and model version; exits with 1 if a bit differs."""
    from ml.monitoring import reproduction

    settings = Settings.from_env()
    with connection(settings) as conn, stage("Computing the forecast again"):
        try:
            reproduced = reproduction.reproduce(conn, settings, prediction_id)
        except LookupError as error:
            raise CoinsphereError(str(error.args[0])) from error
    for level, value in reproduced.quantiles.items():
        click.echo(f"{level}  {value}")
    click.echo(
        f"{reproduced.model} version {reproduced.version}, candles {reproduced.input_digest}"
    )
    if reproduced.differences:
        raise CoinsphereError(
            "It differs from what was stored:\n" + "\n".join(reproduced.differences)
        )
    click.echo("The same as stored, to the last bit.")


def _figures(settings: Settings, promotion: "Promotion") -> Iterable[Score]:
    """Scores of the newest version of each algorithm, and of the champion where it is an older one."""
    from ml.registry import token_registry

    versions = set(token_registry.newest_versions(settings, promotion.model_name).values())
    for version in sorted({*versions, promotion.version}):
        yield from token_registry.scores_of(settings, promotion.model_name, version).values()


def _for_each(symbols: Sequence[str], act: Callable[[str], None], table: Table) -> None:
    """Act for each token, show what was made, and end with the failures."""
    failed = each_token.of_each(symbols, act)
    if table.row_count:
        new_console().print(table)
    each_token.require_none(failed, len(symbols))


def _token(settings: Settings, symbol: str) -> Token:
    from coinsphere.market.reference import tokens

    with connection(settings) as conn:
        try:
            return tokens.by_symbol(conn, symbol)
        except LookupError as error:
            raise CoinsphereError(str(error.args[0])) from error
