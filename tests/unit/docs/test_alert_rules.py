"""The alert rules: promtool plays times of trouble and of quiet; every figure that they name is one that is exported."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from coinsphere import figures
from webapi.observability import metrics

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
_OWN = {
    "coinsphere_jobs",
    "coinsphere_problems",
    "coinsphere_disk_free_bytes",
    "coinsphere_database_up",
}


def _rules() -> list[dict[str, str]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_every_alert_leads_to_a_runbook_and_names_figures_that_exist() -> None:
    of_api = {
        f"{each._name}{ending}"
        for each in (metrics.REQUESTS, metrics.DURATION, metrics.PAGES, metrics.CACHE_FAILURES)
        for ending in ("_total", "_bucket", "_count", "_sum")
    }
    exported = of_api | set(figures._SAID) | _OWN
    for rule in _rules():
        named = set(re.findall(r"\bcoinsphere_\w+", rule["expr"]))
        assert named <= exported, rule
        if "alert" in rule:
            assert (ROOT / rule["annotations"]["runbook"]).is_file(), rule
            assert rule["labels"]["severity"] in ("page", "ticket")


def test_promtool_finds_each_alert_where_it_should_and_only_there() -> None:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed: Debian's package prometheus holds it")
    for words in (
        ("check", "rules", str(RULES)),
        ("test", "rules", str(RULES.with_name("alerts_test.yml"))),
    ):
        done = subprocess.run([tool, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
