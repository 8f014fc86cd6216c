"""`make bench`, or `python -m bench NAME…` for some: prints a table and writes bench/results.json."""

import argparse
import importlib
import json
import os
import platform
import subprocess
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measure import Benchmark, Measure

RESULTS = Path(__file__).parent / "results.json"
NAMES = ("alerts", "imports", "ingestion", "consensus", "warehouse", "training", "gates", "forecasting", "system", "minute", "portfolio", "taxes", "webhooks", "api", "pages", "hot", "mix", "observing", "graphql", "feed", "stream",
         "exchanges", "wallets", "suite")  # fmt: skip
_SIGNS = {True: "[green]met[/green]", False: "[red]missed[/red]", None: ""}


def main(names: list[str]) -> int:
    """Run the named benchmarks; exits with 1 where a target is missed or a benchmark breaks."""
    console = Console()
    measures: list[Measure] = []
    broken = 0
    for name in names:
        console.print(f"Measuring {name} …")
        benchmark: Benchmark = importlib.import_module(f"bench.{name}").run
        try:
            measures += benchmark()
        except Exception:  # noqa: BLE001 - one that breaks must not lose what the others measured
            traceback.print_exc()
            broken += 1
    console.print(_table(measures))
    _write(measures)
    return 1 if broken or any(measure.is_met is False for measure in measures) else 0


def _table(measures: list[Measure]) -> Table:
    table = Table("what", "measured", "target", "")
    for measure in measures:
        sign = "≤" if measure.better == "lower" else "≥"
        target = "" if measure.target is None else f"{sign} {measure.target:,g} {measure.unit}"
        table.add_row(
            measure.name, f"{measure.value:,.4g} {measure.unit}", target, _SIGNS[measure.is_met]
        )
    return table


def _write(measures: list[Measure]) -> None:
    """Keep what earlier runs of other benchmarks measured: a full run takes half an hour."""
    kept = json.loads(RESULTS.read_text())["measures"] if RESULTS.exists() else {}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    for measure in measures:
        kept[measure.name] = {
            "value": round(measure.value, 4),
            "unit": measure.unit,
            "target": measure.target,
            "met": measure.is_met,
            "commit": commit,
            "at": at,
        }
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    RESULTS.write_text(json.dumps({"machine": machine, "measures": kept}, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="all, where none is named")
    sys.exit(main(parser.parse_args().names or list(NAMES)))
