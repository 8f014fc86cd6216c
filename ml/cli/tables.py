"""Scores and forecasts as tables for the terminal."""

from rich import box
from rich.table import Table

from ml.evaluation.results import Score
from ml.serving.forecasting import Forecast


def scores() -> Table:
    """A table for scores, without rows."""
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


def add_score(table: Table, name: str, score: Score, *, champion: int) -> None:
    """Add a score; that of version `champion` is marked."""
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


def forecast_row(forecast: Forecast) -> tuple[str, ...]:
    """A forecast as cells: prices in US dollars."""
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
