"""What people look for after a training of the global model, as metadata. Pure functions."""

import dagster as dg

from ml.scale_pipeline import Trained
from orchestration import plots
from orchestration.checks import table

Metadata = dict[str, dg.MetadataValue]


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
        "serves": dg.MetadataValue.bool(made.report.passed),
        "gates": dg.MetadataValue.md(table(verdict)),
        "walk_forward": dg.MetadataValue.md(table(rows)),
        "model_card": dg.MetadataValue.md(made.card["model_card.md"].decode()),
        "mlflow_run": dg.MetadataValue.url(f"{tracking_url}/#/runs/{made.run_id}"),
        "data_digest": dg.MetadataValue.text(made.data_digest),
        "gate_report": dg.MetadataValue.text(str(made.report_id)),
        **pictures,
    }
