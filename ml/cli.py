"""`coinsphere ml`: train, evaluate and use models, and see what the registry holds; thin over `ml.pipeline`."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click
from psycopg import Connection
from rich import box
from rich.table import Table

from coinsphere.cli.console import console as new_console
from coinsphere.cli.progress import count, stage
from coinsphere.clock import utc_now
from coinsphere.errors import CoinsphereError
from coinsphere.market.model import Token
from coinsphere.settings import Role, Settings
from ml.evaluation.results import Score
from ml.serving.forecasting import Forecast

if TYPE_CHECKING:
    from ml.registry.token_registry import Promotion

_TIMEOUT_MS = 600_000
_symbols = click.argument("symbols", nargs=-1, metavar="[SYMBOL]...")


def register(cli: click.Group) -> None:
    """Add them to `coinsphere`."""
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
    for token in _tokens(settings, symbols):
        with _connection(settings) as conn:
            training_set = pipeline.build_training_set(conn, token, settings)
        with stage(f"Training the models of {token.symbol}"):
            trained = pipeline.train_token(settings, training_set)
        for made in trained:
            figures = ", ".join(f"{name} {value:.4g}" for name, value in made.metrics.items())
            table.add_row(token.symbol, made.algorithm, str(made.version), made.run_id, figures)
    new_console().print(table)


@ml.command()
@_symbols
def evaluate(symbols: tuple[str, ...]) -> None:
    """Score the newest version of each model on days that none of them has seen; the best one becomes champion."""
    from ml import pipeline

    settings, table = Settings.from_env(), _scores_table()
    for token in _tokens(settings, symbols):
        models = pipeline.registered_models(settings, token)
        with _connection(settings) as conn, stage(f"Evaluating the models of {token.symbol}"):
            training_set = pipeline.build_training_set(conn, token, settings)
            made = pipeline.evaluate_token(conn, settings, training_set, models)
        for score in made.scores:
            _add_score(table, token.symbol, score, champion=made.champion.version)
    new_console().print(table)


@ml.command()
@_symbols
def predict(symbols: tuple[str, ...]) -> None:
    """Forecast from the last daily close with each champion, and write the prediction log."""
    from ml import pipeline

    settings = Settings.from_env()
    table = Table("token", "from", "days", "price", "median", "80 %", "95 %", "model")
    for token in _tokens(settings, symbols):
        with _connection(settings) as conn, stage(f"Forecasting {token.symbol}"):
            forecasts = pipeline.predict_token(conn, settings, token, utc_now())
        for forecast in forecasts:
            table.add_row(*_forecast_row(forecast))
    new_console().print(table)


@ml.command()
def show() -> None:
    """Show each token's champion, and the held-out figures of all its models beside naive."""
    from ml.registry import token_registry

    settings, table = Settings.from_env(), _scores_table()
    for promotion in token_registry.promotions(settings):
        for score in _figures(settings, promotion):
            _add_score(table, promotion.model_name, score, champion=promotion.version)
    new_console().print(table if table.row_count else "No model was evaluated yet.")


@ml.command("train-global")
def train_global() -> None:
    """Train the global model on all tokens, judge it, and let it serve if it passes every gate."""
    from ml import pipeline

    settings = Settings.from_env()
    with _connection(settings) as conn, stage("Training and judging the global model"):
        held = pipeline.build_panel(conn)
        made = pipeline.train_global(conn, settings, held)
    days = ", ".join(map(str, made.report.horizons)) or "no"
    serves = ", ".join(map(str, made.serves)) or "no"
    click.echo(
        f"Version {made.version} ({made.model}) passed its gates at {days} days and serves at {serves} of them from now on; "
        f"gate report {made.report_id}"
    )
    for reason in made.report.refused():
        click.echo(f"  {reason}")


@ml.command("predict-global")
def predict_global() -> None:
    """Forecast all tokens with the global champion from the last daily close, and write the prediction log."""
    from ml import pipeline

    settings = Settings.from_env()
    with _connection(settings) as conn:
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
    with _connection(settings) as conn, stage("Computing the forecast again"):
        try:
            made = reproduction.reproduce(conn, settings, prediction_id)
        except LookupError as error:
            raise CoinsphereError(str(error.args[0])) from error
    for level, value in made.quantiles.items():
        click.echo(f"{level}  {value}")
    click.echo(f"{made.model} version {made.version}, candles {made.input_digest}")
    if made.differences:
        raise CoinsphereError("It differs from what was stored:\n" + "\n".join(made.differences))
    click.echo("The same as stored, to the last bit.")


@ml.command()
@click.option(
    "--data",
    "folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of daily candle files, one for each token.",
)
@click.option("--start", required=True, type=click.DateTime(["%Y-%m-%d"]), help="First origin.")
@click.option("--end", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Day after the last.")
@click.option("--tokens", help="Symbols to read, comma-separated; all that have a file by default.")
@click.option(
    "--model",
    "models",
    multiple=True,
    help="A model; repeat for several. All but the assessment's LSTM by default.",
)
@click.option("--processes", default=2, show_default=True, type=click.IntRange(1, 64))
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON, also by token and year.")
@click.option(
    "--portfolios",
    is_flag=True,
    help="Judge distributions of random portfolios too, with the last model's forecasts.",
)
def backtest(  # noqa: PLR0917 - click passes by name
    folder: Path,
    start: datetime,
    end: datetime,
    tokens: str | None,
    models: tuple[str, ...],
    processes: int,
    as_json: bool,
    portfolios: bool,
) -> None:
    """Walk every model and baseline forward over the same rows of candle files, and print what each is worth.

    Each is fitted on the past alone, again every 180 days. Skill is the gain in CRPS against a random walk with
    EWMA(0.94) volatility; DM is Diebold and Mariano's t of that gain.
    """
    from ml.data import candle_folder, features
    from ml.evaluation import backtest as walk
    from ml.evaluation import backtest_table, portfolio_backtest
    from ml.models import catalog

    symbols = None if tokens is None else tokens.replace(",", " ").split()
    if symbols == []:
        raise CoinsphereError("--tokens names no token")
    names = models or catalog.GLOBAL_DEFAULT
    if unknown := sorted(set(names) - set(catalog.GLOBAL_MODELS)):
        known = ", ".join(catalog.GLOBAL_MODELS)
        raise CoinsphereError(f"No model is called {', '.join(unknown)}; there are {known}")
    try:
        first = candle_folder.first_day(start.date())
        with stage(f"Reading {folder}"):
            held = candle_folder.read(folder, utc_now(), symbols, first=first)
    except LookupError as error:
        raise CoinsphereError(str(error.args[0])) from error
    if held.last_day < end.date() - timedelta(days=1):
        click.echo(
            f"The candles end on {held.last_day}, before the end that was asked for.", err=True
        )
    done = partial(count, "blocks of 180 days forecast:")
    with stage("Fitting and forecasting"):
        made = walk.run(
            features.build(held),
            start.date(),
            end.date(),
            names=names,
            processes=processes,
            done=done,
        )
    judged = []
    if portfolios:
        with stage("Simulating portfolios"):
            judged = portfolio_backtest.run(made, list(made.scores)[-1])
    if as_json:
        whole = {**made.to_json(), "portfolios": [asdict(row) for row in judged]}
        click.echo(json.dumps(whole, indent=1))
        return
    for part in backtest_table.of(made):
        new_console().print(part)
    if judged:
        new_console().print(backtest_table.portfolios(judged))


def _figures(settings: Settings, promotion: "Promotion") -> Iterable[Score]:
    """Scores of the newest version of each algorithm, and of the champion where it is an older one."""
    from ml.registry import token_registry

    versions = set(token_registry.newest_versions(settings, promotion.model_name).values())
    for version in sorted({*versions, promotion.version}):
        yield from token_registry.scores_of(settings, promotion.model_name, version).values()


def _scores_table() -> Table:
    table = Table(title="Held-out figures; * serves", box=box.SIMPLE)
    for name in (
        "token",
        "model",
        "days",
        "held out from",
        "n",
        "pinball",
        "skill",
        "80 %",
        "95 %",
    ):
        table.add_column(name, no_wrap=True)
    return table


def _add_score(table: Table, name: str, score: Score, *, champion: int) -> None:
    mark = "*" if score.model_version == champion else ""
    table.add_row(
        name.partition("-")[0],
        f"{score.algorithm} {score.model_version}{mark}",
        str(score.horizon_days),
        str(score.first_origin),
        str(score.forecasts),
        f"{score.pinball_loss:.5f}",
        f"{score.skill_vs_naive:+.2%}",
        f"{score.coverage80:.1%}",
        f"{score.coverage95:.1%}",
    )


def _forecast_row(forecast: Forecast) -> tuple[str, ...]:
    return (
        forecast.symbol,
        f"{forecast.origin_at:%Y-%m-%d}",
        str(forecast.horizon_days),
        f"{forecast.reference_price:.8g}",
        f"{forecast.median:.8g}",
        " - ".join(f"{end:.8g}" for end in forecast.interval80),
        " - ".join(f"{end:.8g}" for end in forecast.interval95),
        f"{forecast.algorithm} {forecast.model_version}",
    )


def _tokens(settings: Settings, symbols: tuple[str, ...]) -> list[Token]:
    from coinsphere.market import tokens

    with _connection(settings) as conn:
        try:
            return [tokens.by_symbol(conn, symbol) for symbol in symbols or settings.ml_tokens]
        except LookupError as error:
            raise CoinsphereError(str(error.args[0])) from error


@contextmanager
def _connection(settings: Settings) -> Iterator[Connection]:
    """A connection with the pipeline's role, in one transaction."""
    from coinsphere.db.pool import Database

    url = settings.url_for(Role.PIPELINE)
    with (
        Database(url, size=1, statement_timeout_ms=_TIMEOUT_MS) as database,
        database.connection() as conn,
    ):
        yield conn
