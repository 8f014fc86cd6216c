"""What must hold of every module of the package."""

import subprocess
import sys
from pathlib import Path

import pytest

import orchestration

_FOLDER = Path(orchestration.__file__).parent
_MODULES = sorted(_FOLDER.rglob("*.py"))
_HEAVY = ("torch", "mlflow", "great_expectations", "ccxt", "matplotlib", "onnxruntime", "scipy")


@pytest.mark.parametrize("path", _MODULES, ids=lambda path: str(path.relative_to(_FOLDER)))
def test_annotations_are_not_postponed(path):
    """Dagster reads the annotations of contexts and configs, and rejects strings."""
    assert "from __future__ import annotations" not in path.read_text(encoding="utf-8")


def test_loading_the_code_location_imports_nothing_heavy():
    """A run of every minute pays for what is imported here."""
    script = (
        "import sys, warnings; warnings.simplefilter('ignore')\n"
        "from orchestration.definitions import build_definitions\n"
        "from coinsphere.settings import Settings\n"
        "build_definitions(Settings()).get_repository_def()\n"
        f"print(sorted(set({_HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


def test_the_command_line_imports_neither_dagster_nor_dbt():
    script = "import sys, orchestration.cli\nprint(sorted({'dagster', 'dbt', 'pandas'} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
