"""Writes the dashboards of dashboards.yml as Grafana takes them: `python deploy/grafana/dashboards.py FOLDER`.

Source: Grafana's documentation, "Dashboard JSON model". Panels stand two in a row, on a grid of 24 columns.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

SPECIFICATION = Path(__file__).with_name("dashboards.yml")
_WIDTH, _HEIGHT = 12, 8
_SOURCE = {"type": "prometheus", "uid": "${source}"}


def dashboard(name: str, panels: list[dict[str, Any]]) -> dict[str, Any]:
    """The dashboard called `name`; whoever looks chooses which Prometheus it asks."""
    chosen = {"name": "source", "type": "datasource", "query": "prometheus"}
    return {
        "uid": f"coinsphere-{name.lower()}",
        "title": f"Coinsphere: {name}",
        "tags": ["coinsphere"],
        "timezone": "utc",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [chosen]},
        "panels": [_panel(number, each) for number, each in enumerate(panels)],
    }


def _panel(number: int, told: dict[str, Any]) -> dict[str, Any]:
    row, column = divmod(number, 2)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": told["title"],
        "datasource": _SOURCE,
        "gridPos": {"x": column * _WIDTH, "y": row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT},
        "fieldConfig": {"defaults": {"unit": told["unit"], "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + at), "expr": expr, "legendFormat": line}
            for at, (line, expr) in enumerate(told["queries"].items())
        ],
    }


def main(folder: Path) -> None:
    """Write a file for each dashboard."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, panels in yaml.safe_load(SPECIFICATION.read_text()).items():
        text = json.dumps(dashboard(name, panels), indent=2)
        (folder / f"{name.lower()}.json").write_text(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
