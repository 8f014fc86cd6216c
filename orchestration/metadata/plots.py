"""Small pictures for the asset catalogue: PNG inside Markdown, a few kilobytes each, for they live in the event log.

Pure functions of numbers. matplotlib's object interface is used without pyplot, so nothing global is touched.
"""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import dagster as dg

_SIZE = (6.4, 2.6)
_DPI = 80
_BLUE, _RED, _GREY = "#1f5fa8", "#c0392b", "#888888"


@dataclass(frozen=True, slots=True)
class Fan:
    """A forecast of one horizon: median and the bounds of two intervals, in US dollars."""

    target: date
    median: float
    lower80: float
    upper80: float
    lower95: float
    upper95: float


def price_history(
    title: str, days: Sequence[date], closes: Sequence[float], gaps: Sequence[date]
) -> dg.MarkdownMetadataValue:
    """Closes on a logarithmic axis; days without a candle, or with a filled one, are marked red."""

    def draw(axes: Any) -> None:
        axes.semilogy(days, closes, color=_BLUE, linewidth=1)
        for gap in gaps:
            axes.axvspan(gap, gap + timedelta(days=1), color=_RED, alpha=0.5, linewidth=0)
        axes.set_title(f"{title}: {len(days)} days, {len(gaps)} missing", fontsize=9)
        axes.set_ylabel("US dollars", fontsize=8)

    return _markdown(draw)


def forecast_fan(
    title: str, days: Sequence[date], closes: Sequence[float], forecasts: Sequence[Fan]
) -> dg.MarkdownMetadataValue:
    """The last closes, and the median with its 80 % and 95 % intervals for each horizon."""
    origin = (days[-1], closes[-1])
    targets = [origin[0], *(fan.target for fan in forecasts)]

    def band(name: str) -> list[float]:
        return [origin[1], *(getattr(fan, name) for fan in forecasts)]

    def draw(axes: Any) -> None:
        axes.plot(days, closes, color=_BLUE, linewidth=1)
        axes.plot(targets, band("median"), color=_RED, linewidth=1)
        axes.fill_between(
            targets, band("lower95"), band("upper95"), color=_RED, alpha=0.15, label="95 %"
        )
        axes.fill_between(
            targets, band("lower80"), band("upper80"), color=_RED, alpha=0.3, label="80 %"
        )
        axes.set_title(title, fontsize=9)
        axes.set_ylabel("US dollars", fontsize=8)
        axes.legend(fontsize=8, loc="upper left")

    return _markdown(draw)


def embedded(image: bytes) -> dg.MarkdownMetadataValue:
    """A PNG that another package drew."""
    encoded = base64.b64encode(image).decode("ascii")
    return dg.MetadataValue.md(f"![plot](data:image/png;base64,{encoded})")


def _markdown(draw: Callable[[Any], None]) -> dg.MarkdownMetadataValue:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.3)
    draw(axes)
    image = io.BytesIO()
    figure.savefig(image, format="png")
    return embedded(image.getvalue())
