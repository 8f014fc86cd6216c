"""Draws each dashboard over what a Prometheus holds: `python -m tests.dashboard_pictures http://127.0.0.1:9090 FOLDER`.

A stand-in for Grafana, which is in no registry that tests may use: the same panels, queries and legends, and a look at whether they
say anything.
"""

import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import matplotlib.dates
import yaml
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.prometheus import DASHBOARDS

_MINUTES = 30
_STEP_SECONDS = 10
_COLUMNS = 2
_PANEL = (7.0, 2.6)
"""Inches."""
_MOST_LINES = 8


def draw(url: str, panels: list[dict[str, Any]], path: Path) -> int:
    """Write the picture of one dashboard; how many of its panels have no data."""
    rows = -(-len(panels) // _COLUMNS)
    figure = Figure((_PANEL[0] * _COLUMNS, _PANEL[1] * rows), layout="constrained")
    axes = list(figure.subplots(rows, _COLUMNS, squeeze=False).flat)
    empty = sum(not _panel(url, on, told) for on, told in zip(axes, panels, strict=False))
    for unused in axes[len(panels) :]:
        unused.set_axis_off()
    figure.savefig(path, dpi=100)
    return empty


def _panel(url: str, on: Axes, told: dict[str, Any]) -> bool:
    """Draw a panel; whether there was anything."""
    on.set_title(f"{told['title']}, {told['unit']}", fontsize=9)
    on.tick_params(labelsize=7)
    for legend, query in told["queries"].items():
        for series in _range(url, query):
            at = [datetime.fromtimestamp(float(when), UTC) for when, _ in series["values"]]
            label = _named(legend, series["metric"])
            on.plot(at, [float(value) for _, value in series["values"]], linewidth=1, label=label)
    if on.lines:
        on.set_ylim(bottom=0)
        on.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%H:%M"))
        on.legend(handles=list(on.lines)[:_MOST_LINES], fontsize=6, loc="upper left")
    else:
        on.text(0.5, 0.5, "nothing yet", transform=on.transAxes, ha="center", color="grey")
    return bool(on.lines)


def _range(url: str, query: str) -> list[dict[str, Any]]:
    now = time.time()
    asked = {"query": query, "start": now - 60 * _MINUTES, "end": now, "step": _STEP_SECONDS}
    answer = httpx2.get(f"{url}/api/v1/query_range", params=asked, trust_env=False, timeout=30)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


def _named(legend: str, labels: Mapping[str, str]) -> str:
    for name, value in labels.items():
        legend = legend.replace("{{" + name + "}}", value)
    return legend


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for dashboard, shown in yaml.safe_load(DASHBOARDS.read_text()).items():
        without = draw(sys.argv[1], shown, folder / f"dashboard-{dashboard.lower()}.png")
        sys.stdout.write(f"{dashboard}: {len(shown)} panels, {without} without data\n")
