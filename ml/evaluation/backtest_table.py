"""A backtest as tables for the terminal."""

from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table

from ml.evaluation import holdout_calendar, implied
from ml.evaluation.backtest import Backtest
from ml.evaluation.comparison import Difference
from ml.evaluation.figures import Figures, Slice
from ml.evaluation.portfolio_backtest import PORTFOLIOS, PortfolioFigures
from ml.models.gk_har_t import GkHarT


def of(backtest: Backtest) -> Iterator[Table | str]:
    """The table of all models, the years, the best and worst tokens, and what else a reader must know."""
    yield _figures(backtest)
    model = _shown(backtest)
    yield _slices(f"{model} by year", backtest.by_year(model))
    yield _slices(f"{model} by token", backtest.by_token(model))
    if any(backtest.beyond(model) for model in backtest.scores):
        yield _beyond(backtest)
    if backtest.lean(model):
        yield _lean(backtest, model)
    if added := implied.added(backtest):
        yield _implied(added)
    yield from _notes(backtest)


def _shown(backtest: Backtest) -> str:
    """The last model of the comparison: the combination, where it is among them."""
    return list(backtest.scores)[-1]


def _figures(backtest: Backtest) -> Table:
    symbols = len(backtest.features.panel.symbols)
    table = Table(title=f"Origins {backtest.start} to {backtest.last}, {symbols} tokens")
    for name in (
        "days",
        "model",
        "forecasts",
        "CRPS %",
        "skill %",
        "DM t",
        "log gain",
        "pinball %",
    ):
        table.add_column(name, justify="left" if name == "model" else "right")
    for name in ("width score 80/95 %", "in 80/95 %", "uncalibrated", "token error", "PIT"):
        table.add_column(name, justify="right")
    for row in backtest.table():
        table.add_row(*_row(row))
    return table


def _row(row: Figures) -> tuple[str, ...]:
    return (
        str(row.horizon),
        row.model,
        str(row.forecasts),
        f"{100 * row.crps:.3f}",
        f"{100 * row.skill:+.2f} ±{100 * row.skill_error:.2f}",
        f"{row.dm_t:+.1f}",
        f"{row.log_gain:+.3f}",
        f"{100 * row.pinball:.3f}",
        f"{100 * row.interval80:.2f}/{100 * row.interval95:.2f}",
        f"{100 * row.coverage80:.2f}/{100 * row.coverage95:.2f}",
        f"{100 * row.raw_coverage80:.2f}/{100 * row.raw_coverage95:.2f}",
        f"{100 * row.token_error80:.2f}/{100 * row.token_error95:.2f}",
        f"{row.pit_distance:.3f}",
    )


def _beyond(backtest: Backtest) -> Table:
    table = Table(title=f"DM t of what each adds beyond {GkHarT.name}")
    shown = [model for model in backtest.scores if model != GkHarT.name]
    table.add_column("model")
    for horizon in backtest.beyond(shown[0]):
        table.add_column(f"{horizon} d", justify="right")
    for model in shown:
        table.add_row(model, *(f"{t:+.1f}" for t in backtest.beyond(model).values()))
    return table


def _lean(backtest: Backtest, model: str) -> Table:
    table = Table(title=f"What remains of {model}'s lean against the market's last move, 1 d")
    for name in ("", "weight", "gain %", "DM t"):
        table.add_column(name, justify="right")
    for row in backtest.lean(model):
        table.add_row(row.year, f"{row.weight:+.4f}", f"{100 * row.gain:+.2f}", f"{row.dm_t:+.1f}")
    return table


def _implied(added: Mapping[int, Difference]) -> Table:
    table = Table(
        title="What implied volatility adds to pooled_linear; it goes in where a t is above 2"
    )
    for name in ("days", "gain %", "DM t"):
        table.add_column(name, justify="right")
    for horizon, gain in added.items():
        table.add_row(str(horizon), f"{100 * gain.mean:+.2f}", f"{gain.t:+.1f}")
    return table


def portfolios(rows: Sequence[PortfolioFigures]) -> Table:
    """Coverage of random portfolios, and how many of them each test refuses: the mean over the series, and the most."""
    table = Table(
        title=f"{PORTFOLIOS} random portfolios; how many are refused at 5 %: mean of the series, most"
    )
    for name in (
        "days",
        "origins",
        "in 80/95 %",
        "beyond VaR 95/99 %",
        "Kupiec 95/99",
        "Christoffersen 95/99",
        "loss by ES 95/99",
    ):
        table.add_column(name, justify="right")
    for row in rows:
        table.add_row(
            str(row.horizon),
            f"{row.origins} in {len(row.kupiec[0])}",
            f"{100 * row.coverage80:.1f}/{100 * row.coverage95:.1f}",
            "/".join(f"{100 * each:.2f}" for each in row.exceeded),
            _refused(row.kupiec),
            _refused(row.christoffersen),
            "/".join("-" if each is None else f"{each:.2f}" for each in row.shortfall),
        )
    return table


def _refused(of_tails: tuple[tuple[int, ...], ...]) -> str:
    mean = "/".join(f"{sum(each) / len(each):.1f}" for each in of_tails)
    return f"{mean}, {'/'.join(str(max(each)) for each in of_tails)}"


def _slices(title: str, rows: list[Slice]) -> Table:
    horizons = sorted({row.horizon for row in rows})
    table = Table(title=f"{title}: skill %, in 80/95 %")
    for name in ("", *(f"{horizon} d" for horizon in horizons)):
        table.add_column(name, justify="right")
    for name in dict.fromkeys(row.of for row in rows):
        cells = {row.horizon: _cell(row) for row in rows if row.of == name}
        table.add_row(name, *(cells.get(horizon, "") for horizon in horizons))
    return table


def _cell(row: Slice) -> str:
    return f"{100 * row.skill:+.2f}  {100 * row.coverage80:.1f}/{100 * row.coverage95:.1f}"


def _notes(backtest: Backtest) -> Iterator[str]:
    calendar = holdout_calendar.load()
    first, end = calendar.vault
    yield f"Data {backtest.features.panel.digest}"
    yield f"Configurations tried on {calendar.development[0]} to {calendar.development[1]}: {calendar.configurations_tried}; vault {first} to {end}."
    if backtest.pegged():
        yield f"Pegged, so not scored: {', '.join(backtest.pegged())}"
    if backtest.not_scored():
        yield f"Not scored, as they have too few days before or in the span: {', '.join(backtest.not_scored())}"
    if backtest.features.panel.corrected:
        yield f"Corrected since: {backtest.features.panel.corrected} candles; each origin read what was believed then."
    for note in backtest.features.panel.notes:
        yield f"Of the files: {note}"
