"""What people look for after a training of the global model, as metadata. Pure functions."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from ml.monitoring.alarms import Alarm
from ml.pipeline import TrainedGlobal
from orchestration import plots
from orchestration.checks import table

if TYPE_CHECKING:
    from ml.monitoring.promotion import Watched

Metadata = dict[str, dg.MetadataValue]

DRIFT, SHADOW, FRESH = (
    "global_forecasts_have_not_drifted",
    "G7_shadow",
    "global_champion_is_fresh",
)
"""Checks of what was issued."""


def of_training(made: TrainedGlobal, tracking_url: str) -> Metadata:
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
            "why": "; ".join(map(str, gate.reasons)),
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
        "passed at days": dg.MetadataValue.text(_days(made.report.horizons)),
        "serves at days": dg.MetadataValue.text(_days(made.serves)),
        "gates": dg.MetadataValue.md(table(verdict)),
        "walk_forward": dg.MetadataValue.md(table(rows)),
        "model_card": dg.MetadataValue.md(made.card["model_card.md"].decode()),
        "mlflow_run": dg.MetadataValue.url(f"{tracking_url}/#/runs/{made.run_id}"),
        "data_digest": dg.MetadataValue.text(made.data_digest),
        "gate_report": dg.MetadataValue.text(str(made.report_id)),
        **pictures,
    }


def refusal(made: TrainedGlobal) -> tuple[Alarm, ...]:
    """The alarm that a version was refused at some horizon, with every reason; none if it passed at all of them."""
    if made.report.passed:
        return ()
    passed = _days(made.report.horizons)
    reasons = "; ".join(made.report.refused())
    return (
        Alarm(
            "refused", f"version {made.version} passed at {passed} days and was refused. {reasons}"
        ),
    )


def _days(horizons: Sequence[int]) -> str:
    return ", ".join(map(str, horizons)) or "no"


def alarms(found: "Watched") -> dict[str, tuple[int, tuple[Alarm, ...]]]:
    """By check: the version that it is about, and what is wrong with it."""
    challenger = found.challenger or found.newest
    vetoed: tuple[Alarm, ...] = ()
    if found.shadow is not None and not found.shadow.passed:
        detail = f"version {challenger} may not serve: {'; '.join(map(str, found.shadow.reasons))}"
        vetoed = (Alarm(f"veto_{challenger}", detail),)
    return {
        DRIFT: (found.newest, found.drift.alarms),
        SHADOW: (challenger, vetoed),
        FRESH: (found.newest, found.staleness),
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
