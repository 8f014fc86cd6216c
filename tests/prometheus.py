"""What alert rules and dashboards ask Prometheus for, and a Prometheus to ask where one is installed."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import free_port

ROOT = Path(__file__).resolve().parents[1]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
SCRAPES = ROOT / "deploy" / "prometheus" / "prometheus.yml"
DASHBOARDS = ROOT / "deploy" / "grafana" / "dashboards.yml"
_LABELS = {
    *(
        "check",
        "daemon",
        "found",
        "job",
        "method",
        "model",
        "outcome",
        "page",
        "place",
        "process",
        "queue",
        "result",
    ),
    *(
        "route",
        "rung",
        "server",
        "service",
        "state",
        "status",
        "table",
        "task",
        "le",
        "generation",
        "implementation",
    ),
    *("major", "minor", "patchlevel", "version", "quantile", "pid"),
}
"""Names of labels whose values come from lists of ours, or from the interpreter: nothing that a client sent."""
_OF_SOMEBODY = re.compile(
    r"@|[0-9a-f]{8}-[0-9a-f]{4}-|[0-9A-Fa-f]{32}|\d+\.\d+\.\d+\.\d+|eyJ|Bearer|://"
)
"""An address, an identifier, a key: figures are open to every account of the machine."""
_ENDINGS = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "gauge": ("",)}


def not_made(server: str) -> float:
    """Calls of a server that its breaker has let nobody make in this process."""
    return REGISTRY.get_sample_value("coinsphere_calls_not_made_total", {"server": server}) or 0.0


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> dict[str, str]:
    """Every query of a rule or a panel, by where it stands."""
    found = {rule.get("alert", rule.get("record")): rule["expr"] for rule in rules()}
    for dashboard, panels in yaml.safe_load(DASHBOARDS.read_text()).items():
        for panel in panels:
            for line, query in panel["queries"].items():
                found[f"{dashboard}: {panel['title']}: {line}"] = query
    return found


def names(query: str) -> set[str]:
    """The figures of ours that a query names."""
    return set(re.findall(r"(?<![:\w])coinsphere_\w+", query))


def exposed(text: str) -> set[str]:
    """The names of figures that a scrape holds, those included of which there is no sample yet."""
    return {
        family.name + ending
        for family in text_string_to_metric_families(text)
        for ending in _ENDINGS.get(family.type, ("",))
    }


def assert_names_nobody(text: str) -> None:
    """Whoever reads a scrape without a token learns of no account, portfolio, address or key (ADR 0250)."""
    found = [
        label
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        for label in sample.labels.items()
    ]
    assert {name for name, _ in found} <= _LABELS
    assert [label for label in found if _OF_SOMEBODY.search(label[1])] == []


def targets(variables: Mapping[str, str]) -> dict[str, str]:
    """By process, the address that the scrape configuration names, with the ports of a system's variables."""
    (job,) = yaml.safe_load(SCRAPES.read_text())["scrape_configs"]
    return {
        each["labels"]["process"]: f"127.0.0.1:{variables[_variable(each['labels']['process'])]}"
        for each in job["static_configs"]
    }


def _variable(process: str) -> str:
    name = process.removesuffix("-webserver").upper()
    return "COINSPHERE_METRICS_PORT" if name == "API" else f"COINSPHERE_{name}_METRICS_PORT"


def is_installed() -> bool:
    return shutil.which("prometheus") is not None


@contextmanager
def running(where: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Prometheus with our rules, which scrapes each process of `where` each second; gives its address."""
    configuration = yaml.safe_load(SCRAPES.read_text())
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    configuration["rule_files"] = [str(RULES)]
    for each in configuration["scrape_configs"][0]["static_configs"]:
        each["targets"] = [where[each["labels"]["process"]]]
    path, address = folder / "prometheus.yml", f"127.0.0.1:{free_port()}"
    path.write_text(yaml.safe_dump(configuration))
    command = ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    with (folder / "prometheus.log").open("w") as log:
        process = subprocess.Popen(
            [*command, f"--web.listen-address={address}"], stdout=log, stderr=log
        )
        try:
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait()


def asked(address: str, query: str) -> list[dict[str, Any]]:
    """What a running Prometheus answers to a query, which it has to understand."""
    answer = httpx2.get(f"{address}/api/v1/query", params={"query": query}, timeout=60)
    assert answer.status_code == 200, (query, answer.text)
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


def await_targets(address: str, count: int) -> None:
    """Wait until so many processes were scraped twice, so that rates can be told."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            if len(asked(address, "count_over_time(up[1h]) > 2 and up == 1")) == count:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.5)
    raise AssertionError(asked(address, "up"))
