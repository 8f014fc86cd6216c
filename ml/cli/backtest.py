"""`coinsphere ml backtest`: what each model is worth on candle files."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import click

from coinsphere.cli.console import console as new_console
from coinsphere.cli.progress import count, stage
from coinsphere.clock import utc_now
from coinsphere.errors import CoinsphereError


@click.command()
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
            panel = candle_folder.read(folder, utc_now(), symbols, first=first)
    except LookupError as error:
        raise CoinsphereError(str(error.args[0])) from error
    if panel.last_day < end.date() - timedelta(days=1):
        click.echo(
            f"The candles end on {panel.last_day}, before the end that was asked for.", err=True
        )
    progress = partial(count, "blocks of 180 days forecast:")
    with stage("Fitting and forecasting"):
        walked = walk.run(
            features.build(panel),
            start.date(),
            end.date(),
            names=names,
            processes=processes,
            done=progress,
        )
    judged = []
    if portfolios:
        with stage("Simulating portfolios"):
            judged = portfolio_backtest.run(walked, list(walked.scores)[-1])
    if as_json:
        document = {**walked.to_json(), "portfolios": [asdict(row) for row in judged]}
        click.echo(json.dumps(document, indent=1))
        return
    for table in backtest_table.of(walked):
        new_console().print(table)
    if judged:
        new_console().print(backtest_table.portfolios(judged))
