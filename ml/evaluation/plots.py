"""PNG pictures for MLflow and Dagster. Pure functions of numbers; without pyplot, so nothing global is touched."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ml.data.horizons import HORIZONS

_SIZE = (6.4, 3.6)
_DPI = 90
_BLUE, _RED, _GREY = "#1f5fa8", "#c0392b", "#888888"


_SIMULATED = "simulated"
_OUTLIER = 4.0
"""A bar that is so many times as long as the usual one is cut off, so that the others can still be read."""


def subject(of: str, price_source: str) -> str:
    """What a picture is about, for its title: the token, and that its prices are simulated where they are."""
    return f"{of} (simulated prices)" if price_source == _SIMULATED else of


def loss_curve(
    title: str, training: Sequence[float], validation: Sequence[float | None], best_epoch: int
) -> bytes:
    """Training and validation loss by epoch, the best epoch marked."""

    def draw(axes: Axes) -> None:
        epochs = range(1, len(training) + 1)
        axes.semilogy(epochs, training, color=_GREY, label="training (with dropout)")
        seen = [(at, loss) for at, loss in zip(epochs, validation, strict=True) if loss is not None]
        axes.semilogy(
            [at for at, _ in seen], [loss for _, loss in seen], color=_BLUE, label="validation"
        )
        axes.axvline(best_epoch, color=_RED, linewidth=1, label=f"kept: epoch {best_epoch}")
        axes.set(
            xlabel="epoch", ylabel="MSE of scaled log price", title=f"{title}: loss of the LSTM"
        )
        axes.legend(fontsize=8)

    return png(draw)


@dataclass(frozen=True, slots=True)
class Skills:
    """Skill of one model by horizon, as fractions, with one standard error where it is known."""

    model: str
    values: Mapping[int, float]
    errors: Mapping[int, float] = field(default_factory=dict)


def skill(models: Sequence[Skills], against: str, title: str) -> bytes:
    """Skill by horizon and model; below zero is worse than what it is measured against."""
    longest = _longest([100 * value for each in models for value in each.values.values()])

    def draw(axes: Axes) -> None:
        width = 0.8 / max(len(models), 1)
        for index, each in enumerate(models):
            for horizon, value in each.values.items():
                at, error = HORIZONS.index(horizon) + index * width, each.errors.get(horizon)
                _bar(axes, (at, width, f"C{index}"), 100 * value, longest, error)
        axes.axhline(0, color="black", linewidth=0.8)
        places = [at + 0.4 - width / 2 for at in range(len(HORIZONS))]
        axes.set_xticks(places, _days(HORIZONS))
        axes.set(ylabel=f"skill against {against}, %", title=title)
        names = [Patch(color=f"C{index}", label=each.model) for index, each in enumerate(models)]
        # Below, where it hides no bar.
        axes.legend(
            handles=names, fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.1)
        )

    return png(draw)


def _longest(values: Sequence[float]) -> float:
    """The length beyond which bars are cut off."""
    sizes = sorted(abs(value) for value in values if value)
    if not sizes:
        return 1.0
    return min(sizes[-1], _OUTLIER * max(sizes[len(sizes) // 2], 1.0))


def _bar(
    axes: Axes, place: tuple[float, float, str], value: float, longest: float, error: float | None
) -> None:
    """A bar at a place, of a width and colour; one that is cut off says how long it is."""
    at, width, colour = place
    shown = max(-longest, min(longest, value))
    yerr = None if error is None or shown != value else 100 * error
    axes.bar(at, shown, width, yerr=yerr, color=colour, error_kw={"linewidth": 0.8})
    if shown != value:
        axes.annotate(
            f"{value:+.0f}",
            (at, shown),
            rotation=90,
            ha="center",
            va="bottom" if shown < 0 else "top",
            fontsize=7,
            color="white",
        )


def _days(horizons: Sequence[int]) -> list[str]:
    return [f"{horizon} day" + "s" * (horizon > 1) for horizon in horizons]


def pit(histograms: Mapping[int, Sequence[float]], title: str) -> bytes:
    """PIT histogram by horizon: shares of outcomes by tenth of the forecast distribution; flat where it is calibrated."""

    def draw(axes: Axes) -> None:
        for horizon, histogram in histograms.items():
            bins = len(histogram)
            shares = [bins * share for share in histogram]
            axes.step(
                [at / bins for at in range(bins + 1)],
                [*shares, shares[-1]],
                where="post",
                label=_days([horizon])[0],
            )
        axes.axhline(1, color="black", linewidth=0.8)
        axes.set(
            xlabel="probability that the forecast gave to less than the outcome",
            ylabel="share of outcomes, 1 is right",
            title=f"{title}: where outcomes fell",
            ylim=(0, 1.6),
        )
        axes.legend(fontsize=8, loc="lower center", ncols=4)

    return png(draw)


def coverage(by_algorithm: Mapping[str, Sequence[tuple[float, float]]], title: str) -> bytes:
    """How many held-out outcomes the 80 % and the 95 % interval held, by horizon and model."""

    def draw(axes: Axes) -> None:
        for algorithm, values in by_algorithm.items():
            (line,) = axes.plot(
                range(len(HORIZONS)), [low for low, _ in values], marker="o", label=algorithm
            )
            axes.plot(
                range(len(HORIZONS)),
                [high for _, high in values],
                marker="s",
                linestyle="--",
                color=line.get_color(),
            )
        for nominal in (0.8, 0.95):
            axes.axhline(nominal, color="black", linewidth=0.8)
        axes.set_xticks(range(len(HORIZONS)), _days(HORIZONS))
        least = min((low for values in by_algorithm.values() for low, _ in values), default=0.0)
        axes.set(
            ylim=(max(min(least - 0.05, 0.6), 0.0), 1.02),
            ylabel="share of outcomes inside",
            title=f"{title}: in the 80 % (solid) and 95 % (dashed) interval",
        )
        axes.title.set_fontsize(9)
        axes.legend(fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.1))

    return png(draw)


def fan(title: str, price: Decimal, quantiles: Mapping[int, Mapping[str, Decimal]]) -> bytes:
    """The median and both intervals over the horizons, from today's price."""

    def draw(axes: Axes) -> None:
        days = [0, *quantiles]

        def band(level: str) -> list[float]:
            return [float(price), *(float(values[level]) for values in quantiles.values())]

        axes.fill_between(days, band("0.025"), band("0.975"), color=_BLUE, alpha=0.15, label="95 %")
        axes.fill_between(days, band("0.1"), band("0.9"), color=_BLUE, alpha=0.3, label="80 %")
        axes.plot(days, band("0.5"), color=_BLUE, marker="o", label="median")
        axes.set(xlabel="days ahead", ylabel="US dollars", title=title)
        axes.legend(fontsize=8)

    return png(draw)


def png(draw: Callable[[Axes], None]) -> bytes:
    """A PNG image of one plot."""
    figure = Figure(figsize=_SIZE, dpi=_DPI, layout="tight")
    draw(figure.add_subplot())
    return _image(figure)


def panels(draws: Sequence[Callable[[Axes], None]]) -> bytes:
    """One PNG image of several plots, two in a row."""
    rows = -(-len(draws) // 2)
    figure = Figure(figsize=(1.4 * _SIZE[0], 0.8 * _SIZE[1] * rows), dpi=_DPI, layout="constrained")
    for at, draw in enumerate(draws, 1):
        axes = figure.add_subplot(rows, 2, at)
        draw(axes)
        axes.tick_params(labelsize=7)
        for text, size in ((axes.title, 9), (axes.xaxis.label, 8), (axes.yaxis.label, 8)):
            text.set_fontsize(size)
    return _image(figure)


def short_dates(axes: Axes) -> None:
    """Dates on the horizontal axis, as few and as short as can be read."""
    locator: Any = dates.AutoDateLocator(minticks=3, maxticks=6)  # type: ignore[no-untyped-call]  # matplotlib's own
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]  # as above


def _image(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
