"""How long `make test` takes."""

import os
import subprocess
import sys
import time
from pathlib import Path

from bench.measure import Measure

ROOT = Path(__file__).resolve().parents[1]


def run() -> list[Measure]:
    """One run of the whole suite, as `make test` runs it; a test that fails breaks the benchmark."""
    variables = {
        name: value for name, value in os.environ.items() if not name.startswith("COINSPHERE_")
    }
    command = [sys.executable, "-m", "pytest", "-q", "-n", "logical", "--dist", "loadfile"]
    began = time.monotonic()
    subprocess.run(command, cwd=ROOT, env=variables, check=True)
    return [Measure("make test", (time.monotonic() - began) / 60, "min", target=12)]
