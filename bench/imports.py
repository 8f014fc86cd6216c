"""How long the code location takes to import beyond the libraries that it is made of."""

import statistics
import subprocess
import sys
import time

from bench.measure import Measure

_LIBRARIES = "import dagster, dagster_dbt"
_LOCATION = f"{_LIBRARIES}; import orchestration.definitions as d; d.defs()"
_ROUNDS = 5


def run() -> list[Measure]:
    """Median over rounds that alternate, so that a busy machine slows both alike."""
    libraries, location = [], []
    for _ in range(_ROUNDS):
        libraries.append(_seconds(_LIBRARIES))
        location.append(_seconds(_LOCATION))
    added = statistics.median(location) - statistics.median(libraries)
    return [
        Measure("import of dagster and dagster_dbt", statistics.median(libraries), "s"),
        Measure("code location, beyond the libraries", added, "s", target=1.0),
    ]


def _seconds(statement: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True)
    return time.perf_counter() - began
