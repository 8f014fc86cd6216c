"""What the cards of all families have in common: where the model comes from, its limits, and where the card is kept."""

from collections.abc import Mapping, Sequence

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion

from ml.models.manifest import TrainingFacts
from ml.registry import tracking
from ml.registry.versions import Version

FILE = "model_card.md"


def prices(facts: TrainingFacts) -> str:
    """Where its prices came from; that they were simulated stands out."""
    return "**simulated prices**" if facts.price_source == "simulated" else facts.price_source


def provenance(facts: TrainingFacts) -> list[str]:
    """Lines on the data, the code and the run that made it."""
    return [
        f"- data digest `{facts.data_digest}`",
        f"- code `{facts.code_version}`",
        f"- MLflow run `{facts.run_id}`",
    ]


def limits(sentences: Sequence[str]) -> list[str]:
    """The section of what the model cannot do."""
    return ["", "## Limits", "", *(f"- {sentence}" for sentence in sentences), ""]


def keep(
    mlflow_client: MlflowClient,
    version: Version | ModelVersion,
    run_id: str,
    files: Mapping[str, bytes],
    note: str,
) -> None:
    """Show `note` on the pages of the version and of its run, and keep the card's files with the run."""
    number = version.number if isinstance(version, Version) else version.version
    mlflow_client.update_model_version(version.name, str(number), note)
    tracking.log_tags(mlflow_client, run_id, {"mlflow.note.content": note})
    tracking.log_files(mlflow_client, run_id, files, "model_card")
