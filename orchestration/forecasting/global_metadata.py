"""What Dagster shows of the global model's assets and checks, and the alarms that follow from them. Pure functions."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import dagster as dg

from ml.evaluation.results import Issued, TrainedGlobal
from ml.monitoring.alarms import Alarm
from orchestration.forecasting.token_metadata import Metadata
from orchestration.metadata import plots
from orchestration.metadata.tables import table

if TYPE_CHECKING:
    from ml.monitoring.promotion import Watched

DRIFT, SHADOW, FRESH = (
    "global_forecasts_have_not_drifted",
    "G7_shadow",
    "global_champion_is_fresh",
)
"""Checks of what was issued."""


def of_version(trained: TrainedGlobal) -> Metadata:
    """The verdict, all models beside each other, and the card's pictures; links lead to MLflow."""
    pictures = {
        name: plots.embedded(content)
        for name, content in trained.card.items()
        if name.endswith(".png")
    }
    return {
        "version": dg.MetadataValue.int(trained.version),
        "passed at days": dg.MetadataValue.text(_days(trained.report.horizons)),
        "serves at days": dg.MetadataValue.text(_days(trained.serves)),
        "gates": dg.MetadataValue.md(table(_gates(trained))),
        "walk_forward": dg.MetadataValue.md(table(_walk_forward(trained))),
        "model_card": dg.MetadataValue.md(trained.card["model_card.md"].decode()),
        "mlflow_run": dg.MetadataValue.url(trained.page),
        "data_digest": dg.MetadataValue.text(trained.data_digest),
        "gate_report": dg.MetadataValue.text(str(trained.report_id)),
        **pictures,
    }


def _walk_forward(trained: TrainedGlobal) -> list[dict[str, object]]:
    return [
        {
            "days": row.horizon,
            "model": f"**{row.model}**" if row.model == trained.model else row.model,
            "CRPS %": f"{100 * row.crps:.3f}",
            "skill %": f"{100 * row.skill:+.2f} ± {100 * row.skill_error:.2f}",
            "DM t": f"{row.dm_t:+.1f}",
            "in 80/95 %": f"{100 * row.coverage80:.2f} / {100 * row.coverage95:.2f}",
            "forecasts": row.forecasts,
        }
        for row in trained.backtest.table()
    ]


def _gates(trained: TrainedGlobal) -> list[dict[str, object]]:
    return [
        {
            "gate": gate.name,
            "": "passed" if gate.passed else "**refused**",
            "why": "; ".join(map(str, gate.reasons)),
        }
        for gate in trained.report.gates
    ]


def refusal(trained: TrainedGlobal) -> tuple[Alarm, ...]:
    """The alarm that a version was refused at some horizon, with every reason; none if it passed at all of them."""
    if trained.report.passed:
        return ()
    passed = _days(trained.report.horizons)
    reasons = "; ".join(trained.report.refused())
    return (
        Alarm(
            "refused",
            f"version {trained.version} passed at {passed} days and was refused. {reasons}",
        ),
    )


def alarms(watched: "Watched") -> dict[str, tuple[int, tuple[Alarm, ...]]]:
    """By check: the version it concerns, and its alarms."""
    challenger = watched.challenger or watched.newest
    vetoed: tuple[Alarm, ...] = ()
    if watched.shadow is not None and not watched.shadow.passed:
        detail = (
            f"version {challenger} may not serve: {'; '.join(map(str, watched.shadow.reasons))}"
        )
        vetoed = (Alarm(f"veto_{challenger}", detail),)
    return {
        DRIFT: (watched.newest, watched.drift.alarms),
        SHADOW: (challenger, vetoed),
        FRESH: (watched.newest, watched.staleness),
    }


def of_watch(watched: "Watched") -> dict[str, Metadata]:
    """Figures and pictures of each check."""
    figures = {
        name: dg.MetadataValue.float(float(figure))
        for name, figure in watched.drift.figures.items()
    }
    pictures = {name: plots.embedded(content) for name, content in watched.pictures.items()}
    if watched.challenger is None:
        shadow: Metadata = {"challenger": dg.MetadataValue.text("none waits")}
    elif watched.shadow is None:
        shadow = {"challenger": dg.MetadataValue.text("waits: too few closes are known of it")}
    else:
        shadow = {
            name: dg.MetadataValue.float(float(figure))
            for name, figure in watched.shadow.figures.items()
        }
    return {DRIFT: {**figures, **pictures}, SHADOW: shadow, FRESH: {}}


def of_issued(issued: list[Issued]) -> Metadata:
    """What each version of the global model forecast, and how much of it is public."""
    rows = [asdict(version) for version in issued]
    count = sum(version.forecasts for version in issued)
    return {
        "dagster/row_count": dg.MetadataValue.int(count),
        "versions": dg.MetadataValue.md(table(rows)),
    }


def _days(horizons: Sequence[int]) -> str:
    return ", ".join(map(str, horizons)) or "no"
