"""What people look for after a training of the global model, as metadata. Pure functions."""

from typing import TYPE_CHECKING

import dagster as dg

from ml.alarms import Alarm
from ml.scale_pipeline import Trained
from orchestration import plots
from orchestration.checks import table

if TYPE_CHECKING:
    from ml.succession import Watched

Metadata = dict[str, dg.MetadataValue]

DRIFT, SHADOW, FRESH = (
    "global_forecasts_have_not_drifted",
    "G7_shadow",
    "global_champion_is_fresh",
)
"""Checks of what was issued."""


def of_training(made: Trained, tracking_url: str) -> Metadata:
    """The verdict, all models beside each other, and the card's pictures; links lead to MLflow."""
    rows = [
        {
            "days": row.horizon,
            "model": f"**{row.model}**" if row.model == made.model else row.model,
            "CRPS %": f"{100 * row.crps:.3f}",
            "skill %": f"{100 * row.skill:+.2f} ± {100 * row.skill_error:.2f}",
            "DM t": f"{row.dm_t:+.1f}",
            "in 80/95 %": f"{100 * row.coverage80:.2f} / {100 * row.coverage95:.2f}",
            "forecasts": row.forecasts,
        }
        for row in made.backtest.table()
    ]
    verdict = [
        {
            "gate": gate.name,
            "": "passed" if gate.passed else "**refused**",
            "why": "; ".join(gate.reasons),
        }
        for gate in made.report.gates
    ]
    pictures = {
        name: plots.embedded(content)
        for name, content in made.card.items()
        if name.endswith(".png")
    }
    return {
        "version": dg.MetadataValue.int(made.version),
        "serves": dg.MetadataValue.bool(made.serves),
        "gates": dg.MetadataValue.md(table(verdict)),
        "walk_forward": dg.MetadataValue.md(table(rows)),
        "model_card": dg.MetadataValue.md(made.card["model_card.md"].decode()),
        "mlflow_run": dg.MetadataValue.url(f"{tracking_url}/#/runs/{made.run_id}"),
        "data_digest": dg.MetadataValue.text(made.data_digest),
        "gate_report": dg.MetadataValue.text(str(made.report_id)),
        **pictures,
    }


def refusal(made: Trained) -> tuple[Alarm, ...]:
    """The alarm that a version was refused, with every reason; none if it passed."""
    reasons = [f"{gate.name}: {each}" for gate in made.report.gates for each in gate.reasons]
    if made.report.passed:
        return ()
    return (Alarm("refused", f"version {made.version} was refused. " + "; ".join(reasons)),)


def alarms(found: "Watched") -> dict[str, tuple[int, tuple[Alarm, ...]]]:
    """By check: the version that it is about, and what is wrong with it."""
    challenger = found.challenger or found.serving
    vetoed: tuple[Alarm, ...] = ()
    if found.shadow is not None and not found.shadow.passed:
        detail = f"version {challenger} may not serve: {'; '.join(found.shadow.reasons)}"
        vetoed = (Alarm(f"veto_{challenger}", detail),)
    return {
        DRIFT: (found.drift.version, found.drift.alarms),
        SHADOW: (challenger, vetoed),
        FRESH: (found.serving, found.staleness),
    }


def of_watch(found: "Watched") -> dict[str, Metadata]:
    """Figures and pictures of each check."""
    figures = {
        name: dg.MetadataValue.float(float(each)) for name, each in found.drift.figures.items()
    }
    pictures = {name: plots.embedded(content) for name, content in found.pictures.items()}
    if found.challenger is None:
        shadow: Metadata = {"challenger": dg.MetadataValue.text("none waits")}
    elif found.shadow is None:
        shadow = {"challenger": dg.MetadataValue.text("waits: too few closes are known of it")}
    else:
        shadow = {
            name: dg.MetadataValue.float(float(each)) for name, each in found.shadow.figures.items()
        }
    return {DRIFT: {**figures, **pictures}, SHADOW: shadow, FRESH: {}}
