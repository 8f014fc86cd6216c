"""`coinsphere ml backtest`: what each model is worth on the candles of the database or of files."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from coinsphere.cli.console import console as new_console
from coinsphere.cli.progress import count, stage
from coinsphere.clock import utc_now
from coinsphere.errors import CoinsphereError
from coinsphere.settings import Settings
from ml.cli.database import connection

if TYPE_CHECKING:
    from ml.data.implied import Closes
    from ml.data.panel import Panel
    from ml.evaluation.backtest import Backtest
    from ml.evaluation.portfolio_backtest import PortfolioFigures
    from ml.training.fitting import Recipe

_DATABASE = "database"
"""Where closes of implied volatility are read from if no file is named; a file of that name is `./database`."""


@click.command()
@click.option(
    "--data",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of daily candle files, one for each token; the database by default.",
)
@click.option("--start", required=True, type=click.DateTime(["%Y-%m-%d"]), help="First origin.")
@click.option("--end", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Day after the last.")
@click.option("--tokens", help="Symbols to read, comma-separated; all by default.")
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
@click.option(
    "--implied",
    is_flag=False,
    flag_value=_DATABASE,
    metavar="[FILE]",
    help="What implied volatility would add: the database's, as it was first told, or a file's of `ml implied`.",
)
def backtest(  # noqa: PLR0917 - click passes by name
    folder: Path | None,
    start: datetime,
    end: datetime,
    tokens: str | None,
    models: tuple[str, ...],
    processes: int,
    as_json: bool,
    portfolios: bool,
    implied: str | None,
) -> None:
    """Walk every model and baseline forward over the same rows of candles, and print what each is worth.

    Each is fitted on the past alone, again every 180 days. Of the database each origin reads what was believed then,
    without what was corrected since; files do not tell what they said before. Skill is the gain in CRPS against a random
    walk with EWMA(0.94) volatility; DM is Diebold and Mariano's t of that gain.
    """
    from ml.data import features
    from ml.evaluation import backtest as walk
    from ml.evaluation import portfolio_backtest

    names, recipe = _compared(models, _closes(implied))
    panel = _panel(folder, tokens, start.date(), end.date())
    progress = partial(count, "blocks of 180 days forecast:")
    with stage("Fitting and forecasting"):
        walked = walk.run(
            features.build(panel),
            start.date(),
            end.date(),
            names=names,
            recipe=recipe,
            processes=processes,
            done=progress,
        )
    judged = []
    if portfolios:
        with stage("Simulating portfolios"):
            judged = portfolio_backtest.run(walked, list(walked.scores)[-1])
    if as_json:
        click.echo(json.dumps(_document(walked, judged), indent=1))
    else:
        _show(walked, judged)


def _closes(implied: str | None) -> "Closes | None":
    """Those of implied volatility; None where they are not asked for."""
    from coinsphere.market import implied_volatility
    from ml.data import implied as files

    if implied is None:
        return None
    if implied != _DATABASE:
        return files.read(Path(implied))
    with connection(Settings.from_env()) as conn:
        closes = implied_volatility.first_told(conn)
    if not closes:
        raise CoinsphereError(
            "The database holds no implied volatility: the asset market/implied_volatility brings it where the market is "
            "live, `coinsphere ml implied --out FILE` anywhere"
        )
    return closes


def _compared(models: tuple[str, ...], closes: "Closes | None") -> tuple[Sequence[str], "Recipe"]:
    """The models to walk forward, what implied volatility would add before all others, and how they are fitted."""
    from ml.evaluation import implied as trial
    from ml.models import catalog
    from ml.training.fitting import Recipe

    names = models or catalog.GLOBAL_DEFAULT
    if unknown := sorted(set(names) - set(catalog.GLOBAL_MODELS)):
        known = ", ".join(catalog.GLOBAL_MODELS)
        raise CoinsphereError(f"No model is called {', '.join(unknown)}; there are {known}")
    if closes is None:
        return names, Recipe()
    # Before the others: the last of all is the one that is shown by year and token.
    return (*trial.NAMES, *(name for name in names if name not in trial.NAMES)), trial.recipe(
        closes
    )


def _panel(folder: Path | None, tokens: str | None, start: date, end: date) -> "Panel":
    from ml.data import candle_folder

    symbols = None if tokens is None else tokens.replace(",", " ").split()
    if symbols == []:
        raise CoinsphereError("--tokens names no token")
    first = candle_folder.first_day(start)
    try:
        with stage(f"Reading {folder or 'the database'}"):
            panel = (
                candle_folder.read(folder, utc_now(), symbols, first=first)
                if folder
                else _of_database(symbols, first)
            )
    except LookupError as error:
        raise CoinsphereError(str(error.args[0])) from error
    if panel.last_day < end - timedelta(days=1):
        click.echo(
            f"The candles end on {panel.last_day}, before the end that was asked for.", err=True
        )
    return panel


def _of_database(symbols: list[str] | None, first: date) -> "Panel":
    from ml.data import panel, past_beliefs

    with connection(Settings.from_env()) as conn:
        candles = past_beliefs.joined(conn, panel.from_mart(conn, first=first))
    return candles if symbols is None else candles.only(symbol.upper() for symbol in symbols)


def _document(walked: "Backtest", judged: "list[PortfolioFigures]") -> dict[str, Any]:
    from ml.evaluation import implied as trial

    added = trial.added(walked)
    return {
        **walked.to_json(),
        "implied": {horizon: asdict(row) | {"t": row.t} for horizon, row in added.items()},
        "portfolios": [asdict(row) for row in judged],
    }


def _show(walked: "Backtest", judged: "list[PortfolioFigures]") -> None:
    from ml.evaluation import backtest_table

    for table in backtest_table.of(walked):
        new_console().print(table)
    if judged:
        new_console().print(backtest_table.portfolios(judged))
