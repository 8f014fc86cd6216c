"""Alert rules and dashboards: promtool plays times of trouble and of quiet; every figure that they name is one of ours.

tests/e2e asks a running system for each of them.
"""

import importlib.util
import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from coinsphere.local import processes
from coinsphere.settings import Settings
from tests import prometheus
from tests.prometheus import ROOT, RULES, SCRAPES

_PACKAGES = ("coinsphere", "ml", "orchestration", "webapi")
_ENDINGS = ("_bucket", "_count", "_sum", "_total")


def test_every_alert_leads_to_a_runbook() -> None:
    for rule in prometheus.rules():
        if "alert" in rule:
            assert (ROOT / rule["annotations"]["runbook"]).is_file(), rule
            assert rule["labels"]["severity"] in ("page", "ticket")


def test_every_query_names_figures_that_the_code_makes() -> None:
    sources = [path.read_text() for name in _PACKAGES for path in (ROOT / name).rglob("*.py")]
    code = "\n".join(sources)
    for where, query in prometheus.queries().items():
        assert "coinsphere" in query or query.startswith("up"), where
        for name in prometheus.names(query):
            bare = next((name.removesuffix(each) for each in _ENDINGS if name.endswith(each)), name)
            # Those of what a process takes are made of their parts.
            whole = bare.replace("coinsphere_process_", "") if "_process_" in bare else bare
            assert f'"{bare}"' in code or f" as {bare}" in code or f'"{whole}"' in code, (
                where,
                name,
            )


def test_each_process_with_figures_of_its_own_is_scraped_at_its_port() -> None:
    (job,) = yaml.safe_load(SCRAPES.read_text())["scrape_configs"]
    scraped = {each["labels"]["process"]: each["targets"] for each in job["static_configs"]}
    settings = Settings(mlflow_database_url="postgresql://x", dagster_database_url="postgresql://x")
    known = {
        name: [f"127.0.0.1:{getattr(settings, setting)}"]
        for name in processes.APPLICATIONS
        if (setting := processes.application(settings, name).metrics_setting) is not None
    }
    assert scraped == known
    # Dagster's own two have no place for ours: its webserver tells of both.
    assert set(processes.APPLICATIONS) - set(known) == {"dagster-code", "dagster-daemon"}


def test_dashboards_are_written_as_grafana_takes_them(tmp_path: Path) -> None:
    path = ROOT / "deploy" / "grafana" / "dashboards.py"
    spec = importlib.util.spec_from_file_location("dashboards", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(tmp_path)
    written = {path.stem: json.loads(path.read_text()) for path in tmp_path.glob("*.json")}
    assert set(written) == {
        "api",
        "data",
        "models",
        "portfolios",
        "workers",
        "backup",
        "security",
    }
    for each in written.values():
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in each["panels"]]
        assert len(set(places)) == len(places)
        assert all(panel["targets"] for panel in each["panels"])


def test_promtool_finds_each_alert_where_it_should_and_only_there() -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed: Debian's package prometheus holds it")
    for words in (
        ("check", "config", str(SCRAPES)),
        ("check", "rules", str(RULES)),
        ("test", "rules", str(RULES.with_name("alerts_test.yml"))),
    ):
        done = subprocess.run([tool, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
