"""What MLflow writes comes in the form of our log: one JSON line an event, once, from the first one on."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import free_port
from tests.integration.jobs.test_worker import until


def test_the_lines_of_mlflow_are_ours(tmp_path: Path) -> None:
    log = tmp_path / "mlflow.log"
    variables = {
        **os.environ,
        "COINSPHERE_HOME": str(tmp_path),
        "COINSPHERE_MLFLOW_PORT": str(free_port()),
        "COINSPHERE_MLFLOW_METRICS_PORT": str(free_port()),
        "COINSPHERE_SERVICE_TOKEN": "t" * 43,
        "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{tmp_path}/db",  # a new one, which MLflow tells of
    }
    command = [sys.executable, "-W", "ignore", "-m", "ml.registry.tracking_server"]
    with log.open("wb") as out, subprocess.Popen(command, env=variables, stderr=out) as server:
        try:
            until(lambda: "Updating database tables" in log.read_text(), 180)
        finally:
            server.kill()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert all(line["level"] and line["timestamp"] for line in lines)
    assert {line["component"] for line in lines} == {"mlflow.store.db.utils"}
    assert len({line["event"] for line in lines}) == len(lines)
