"""`coinsphere ml`: train, evaluate and use models, and see what the registry holds; thin over `ml.pipeline`."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from psycopg import Connection
from rich.console import Console
from rich.table import Table

from coinsphere.clock import utc_now
from coinsphere.errors import CoinsphereError
from coinsphere.market.model import Token
from coinsphere.settings import Role, Settings
from ml.results import Forecast, Score

if TYPE_CHECKING:
    from ml.registry import Promotion

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
        for made in pipeline.train_token(settings, training_set):
            figures = ", ".join(f"{name} {value:.4g}" for name, value in made.metrics.items())
            table.add_row(token.symbol, made.algorithm, str(made.version), made.run_id, figures)
    Console().print(table)


@ml.command()
@_symbols
def evaluate(symbols: tuple[str, ...]) -> None:
    """Score the newest version of each model on days that none of them has seen; the best one becomes champion."""
    from ml import pipeline

    settings, table = Settings.from_env(), _scores_table()
    for token in _tokens(settings, symbols):
        models = pipeline.registered_models(settings, token)
        with _connection(settings) as conn:
            training_set = pipeline.build_training_set(conn, token, settings)
            made = pipeline.evaluate_token(conn, settings, training_set, models)
        for score in made.scores:
            _add_score(table, token.symbol, score, champion=made.champion.version)
    Console().print(table)


@ml.command()
@_symbols
def predict(symbols: tuple[str, ...]) -> None:
    """Forecast from the last daily close with each champion, and write the prediction log."""
    from ml import pipeline

    settings = Settings.from_env()
    table = Table("token", "from", "days", "price", "median", "80 %", "95 %", "model")
    for token in _tokens(settings, symbols):
        with _connection(settings) as conn:
            forecasts = pipeline.predict_token(conn, settings, token, utc_now())
        for forecast in forecasts:
            table.add_row(*_forecast_row(forecast))
    Console().print(table)


@ml.command()
def show() -> None:
    """Show each token's champion, and the held-out figures of all its models beside naive."""
    from ml import registry

    settings, table = Settings.from_env(), _scores_table()
    for promotion in registry.promotions(settings):
        for score in _figures(settings, promotion):
            _add_score(table, promotion.model_name, score, champion=promotion.version)
    Console().print(table if table.row_count else "No model was evaluated yet.")


def _figures(settings: Settings, promotion: "Promotion") -> Iterable[Score]:
    """Scores of the newest version of each algorithm, and of the champion where it is an older one."""
    from ml import registry

    versions = set(registry.newest_versions(settings, promotion.model_name).values())
    for version in sorted({*versions, promotion.version}):
        yield from registry.scores_of(settings, promotion.model_name, version).values()


def _scores_table() -> Table:
    table = Table(title="Held-out figures; * serves")
    for name in ("token", "model", "days", "forecasts", "from", "to", "pinball", "skill vs naive"):
        table.add_column(name)
    for name in ("80 % holds", "95 % holds"):
        table.add_column(name)
    return table


def _add_score(table: Table, name: str, score: Score, *, champion: int) -> None:
    mark = "*" if score.model_version == champion else ""
    table.add_row(
        name,
        f"{score.algorithm} {score.model_version}{mark}",
        str(score.horizon_days),
        str(score.forecasts),
        str(score.first_origin),
        str(score.last_origin),
        f"{score.pinball_loss:.5f}",
        f"{score.skill_vs_naive:+.2%}",
        f"{score.coverage80:.1%}",
        f"{score.coverage95:.1%}",
    )


def _forecast_row(forecast: Forecast) -> tuple[str, ...]:
    return (
        forecast.token.symbol,
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
