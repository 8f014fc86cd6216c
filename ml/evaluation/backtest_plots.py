"""Pictures of a walk-forward."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from ml.data.horizons import HORIZONS
from ml.evaluation import plots
from ml.evaluation.backtest import Backtest, Figures


def skill(made: Backtest) -> bytes:
    """Skill of every model at every horizon, with one standard error."""

    def draw(axes: Axes) -> None:
        rows = made.table()
        models = [
            name for name in made.scores if any(row.skill for row in rows if row.model == name)
        ]
        width = 0.8 / max(len(models), 1)
        for index, model in enumerate(models):
            own = [row for row in rows if row.model == model]
            places = [HORIZONS.index(row.horizon) + index * width for row in own]
            axes.bar(
                places,
                [100 * row.skill for row in own],
                width,
                yerr=[100 * row.skill_error for row in own],
                label=model,
                error_kw={"linewidth": 0.8},
            )
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_xticks(
            [at + 0.4 - width / 2 for at in range(len(HORIZONS))],
            [f"{horizon} d" for horizon in HORIZONS],
        )
        axes.set(ylabel="CRPS skill, %", title="Skill against a random walk, EWMA(0.94)")
        _legend_below(axes, len(models))

    return plots.png(draw)


def pit(rows: Sequence[Figures]) -> bytes:
    """Where outcomes fell in the forecast distributions: flat lines are honest ones."""

    def draw(axes: Axes) -> None:
        for row in rows:
            bins = len(row.pit_histogram)
            shares = [bins * share for share in row.pit_histogram]
            axes.step(
                [at / bins for at in range(bins + 1)],
                [*shares, shares[-1]],
                where="post",
                label=f"{row.horizon} d",
            )
        axes.axhline(1, color="black", linewidth=0.8)
        axes.set(
            xlabel="probability below the outcome", ylabel="density", title="PIT", ylim=(0, 1.6)
        )
        axes.legend(fontsize=8, loc="lower center", ncols=4)

    return plots.png(draw)


def _legend_below(axes: Axes, columns: int) -> None:
    """Where it hides no bar."""
    axes.legend(fontsize=8, ncols=max(columns, 1), loc="upper center", bbox_to_anchor=(0.5, -0.1))
