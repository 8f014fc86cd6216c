"""`coinsphere ml` from the keyboard: train, evaluate, predict, show."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

COINSPHERE = Path(sys.executable).parent / "coinsphere"


@pytest.fixture(scope="module")
def ml(warehouse, tmp_path_factory):
    """Runs the command as a process of its own."""
    home = tmp_path_factory.mktemp("home")
    environment = {
        **{name: value for name, value in os.environ.items() if "COINSPHERE" not in name},
        "COINSPHERE_HOME": str(home),
        "COINSPHERE_PIPELINE_DATABASE_URL": warehouse.database.pipeline,
        "COINSPHERE_MLFLOW_URL": warehouse.settings.mlflow_url,
        "COINSPHERE_ML_EPOCHS": "1",
        "COLUMNS": "200",
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [COINSPHERE, "ml", *words],
            env=environment,
            cwd=home,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_from_training_to_a_forecast(ml):
    for command in ("train", "evaluate", "predict"):
        done = ml(command, "ETH")
        assert done.returncode == 0, done.stderr
    assert "ETH" in done.stdout
    shown = ml("show").stdout
    for algorithm in ("naive", "ewma", "linear", "lstm"):
        assert algorithm in shown
    assert "*" in shown


def test_an_unknown_token_is_named_without_a_stack(ml):
    done = ml("train", "NOPE")
    assert done.returncode == 1
    assert "NOPE" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_champion_it_says_so(ml):
    done = ml("predict", "USDC")
    assert done.returncode == 1
    assert "USDC has no evaluated model" in done.stderr


@pytest.mark.parametrize("command", ["train", "evaluate", "predict"])
def test_a_token_that_fails_is_named_and_holds_up_no_other(ml, command):
    """The first two fail, each for its own reason; ETH comes last."""
    for before in ("train", "evaluate", "predict"):
        if before == command:
            break
        assert ml(before, "ETH").returncode == 0
    done = ml(command, "NOPE", "USDC", "ETH")
    assert done.returncode == 1
    assert "ETH" in done.stdout, done.stderr
    assert "2 of 3 failed" in done.stderr
    for symbol in ("NOPE", "USDC"):
        assert f"  {symbol}: " in done.stderr
    assert "ETH:" not in done.stderr
    assert "Traceback" not in done.stderr
