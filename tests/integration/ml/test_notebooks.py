"""The notebooks of the guide run from the first cell to the last, and are kept without what they printed."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from ml.registry import global_registry
from ml.registry.mlflow_client import client
from tests.integration.ml.test_global_pipeline import market, trained  # noqa: F401 - fixtures

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_it_is_kept_without_outputs(name: str) -> None:
    cells = [cell for cell in read(name).cells if cell.cell_type == "code"]
    assert cells
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


def run(name: str, tmp_path: Path) -> str:
    """Everything that a notebook printed or showed, as text."""
    notebook = read(name)
    NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert [each for each in outputs if each.output_type == "error"] == []
    return "\n".join(
        each.get("text", "") or str(each.get("data", {}).get("text/plain", "")) for each in outputs
    )


@pytest.fixture
def environment(market, trained, monkeypatch, tmp_path):  # noqa: F811 - fixtures
    monkeypatch.setenv("COINSPHERE_HOME", str(tmp_path))
    monkeypatch.setenv("COINSPHERE_PIPELINE_DATABASE_URL", market.database_url.get_secret_value())
    monkeypatch.setenv("COINSPHERE_MLFLOW_URL", market.mlflow_url)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", market.mlflow_url)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_they_run_from_the_first_cell_to_the_last(
    environment,
    market,  # noqa: F811 - a fixture
    trained,  # noqa: F811 - a fixture
    tmp_path,
):
    said = run("champion", tmp_path)
    assert "6 tokens" in said
    assert "lower95" in said
    before = {
        each.version
        for each in client(market).search_model_versions(f"name='{global_registry.NAME}'")
    }
    said = run("challenger", tmp_path)
    assert "two_months" in said
    assert "G2_baselines" in said
    after = client(market).search_model_versions(f"name='{global_registry.NAME}'")
    registered = [each.tags["algorithm"] for each in after if each.version not in before]
    assert "pooled_linear" in registered
