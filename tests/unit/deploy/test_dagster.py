"""The values for Dagster's own chart, as far as they can be held without it: by Dagster's schemas and by the pods that it makes."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster import DagsterRun
from dagster._config import process_config, resolve_to_config_type
from dagster_k8s import K8sRunLauncher
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import construct_dagster_k8s_job
from kubernetes.client import ApiClient

from coinsphere.local import processes
from coinsphere.local.state import ROLE_SETTINGS, database_of
from coinsphere.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
VALUES = yaml.safe_load((ROOT / "deploy" / "helm" / "dagster.yaml").read_text())
LAUNCHER = VALUES["runLauncher"]["config"]["k8sRunLauncher"]
DAEMON = VALUES["dagsterDaemon"]
_NOWHERE = """
contexts: [{name: nowhere, context: {cluster: nowhere}}]
clusters: [{name: nowhere, cluster: {server: "http://127.0.0.1:1"}}]
current-context: nowhere
"""


def _names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Names of the chart's values as Dagster's configuration has them."""
    return {re.sub("([A-Z])", r"_\1", name).lower(): each for name, each in values.items()}


def _launcher() -> dict[str, Any]:
    """What the chart's template `dagsterYaml.runLauncher.k8s` makes of the values."""
    return {
        **_names(LAUNCHER),
        "env_config_maps": [each["name"] for each in LAUNCHER["envConfigMaps"]],
        "run_k8s_config": _names(LAUNCHER["runK8sConfig"]),
        "service_account_name": "cs-dagster",
        "job_namespace": "coinsphere",
        "dagster_home": VALUES["global"]["dagsterHome"],
        "instance_config_map": "cs-dagster-instance",
        "postgres_password_secret": VALUES["global"]["postgresqlSecretName"],
    }


@pytest.fixture
def job(tmp_path) -> dict[str, Any]:
    """The job of a run; a step's is made of the same."""
    nowhere = tmp_path / "kubeconfig"
    nowhere.write_text(_NOWHERE)
    launcher = K8sRunLauncher(
        **_launcher(), load_incluster_config=False, kubeconfig_file=str(nowhere)
    )
    context = K8sContainerContext.create_for_run(
        DagsterRun("training"), launcher, include_run_tags=True
    )
    config = context.get_k8s_job_config("pipeline:0.1.0", launcher)
    made = construct_dagster_k8s_job(config, ["dagster"], "run", context.run_k8s_config)
    sanitized: dict[str, Any] = ApiClient().sanitize_for_serialization(made)
    return sanitized


def test_the_launcher_is_one_that_the_library_accepts() -> None:
    assert VALUES["runLauncher"]["type"] == K8sRunLauncher.__name__
    schema = resolve_to_config_type(K8sRunLauncher.config_type())
    assert process_config(schema, _launcher()).success
    assert not process_config(schema, {**_launcher(), "volume_mount": []}).success


def test_a_run_is_a_pod_as_restricted_as_the_code_servers_and_with_the_same_files(job) -> None:
    (code,) = VALUES["dagster-user-deployments"]["deployments"]
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"] == code["podSecurityContext"]
    assert container["securityContext"] == code["securityContext"]
    assert container["resources"] == LAUNCHER["resources"]
    assert [each for each in pod["volumes"] if each in code["volumes"]] == code["volumes"]
    mounted = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    home = VALUES["global"]["dagsterHome"]
    assert mounted == {
        "secrets": "/run/secrets/coinsphere",
        "state": home,
        "tmp": "/tmp",
    }
    assert job["spec"]["template"]["metadata"]["labels"].items() >= code["labels"].items()
    assert job["spec"]["ttlSecondsAfterFinished"] == 21600


def test_dagsters_database_is_the_one_that_we_provision_and_its_password_stands_nowhere(
    job,
) -> None:
    server, role = VALUES["postgresql"], ROLE_SETTINGS["dagster_database_url"]
    assert not server["enabled"]
    assert not VALUES["generatePostgresqlPasswordSecret"]
    assert [server["postgresqlUsername"], server["postgresqlDatabase"]] == [role, database_of(role)]
    assert "postgresqlPassword" not in server
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (password,) = (each for each in container["env"] if each["name"] == "DAGSTER_PG_PASSWORD")
    assert password["valueFrom"]["secretKeyRef"]["name"] == "coinsphere-dagster"


def test_the_instance_is_ours_but_for_the_seconds_that_a_pod_may_take_to_start() -> None:
    ours = yaml.safe_load((ROOT / "orchestration" / "dagster.yaml").read_text())
    del ours["storage"]
    ours["run_monitoring"]["start_timeout_seconds"] = 300
    retention = {
        name: _names(each)
        for name, each in _names(VALUES["retention"]).items()
        if name != "enabled"
    }
    theirs = {
        "run_monitoring": _names(DAEMON["runMonitoring"]),
        "run_retries": _names(DAEMON["runRetries"]),
        "sensors": _names(DAEMON["sensors"]),
        "schedules": _names(DAEMON["schedules"]),
        "concurrency": {
            "runs": _names(VALUES["concurrency"]["runs"]),
            "pools": _names(VALUES["concurrency"]["pools"]),
        },
        "retention": retention,
        "telemetry": VALUES["telemetry"],
        **VALUES["additionalInstanceConfig"],
    }
    assert theirs == ours


def test_the_code_location_is_the_one_that_our_processes_ask_for() -> None:
    (code,) = VALUES["dagster-user-deployments"]["deployments"]
    settings = Settings(dagster_database_url="postgresql://someone:a-secret@127.0.0.1/dagster")
    command = processes.application(settings, "dagster-code").command
    assert code["name"] == command[command.index("--location-name") + 1]
    assert code["dagsterApiGrpcArgs"] == list(command[command.index("--module-name") :][:2])


def test_the_guide_takes_the_chart_of_the_dagster_that_we_install() -> None:
    guide = (ROOT / "docs" / "guides" / "deployment.md").read_text()
    (version,) = re.findall(r"dagster/dagster --version (\S+)", guide)
    assert f"dagster=={version}" in (ROOT / "requirements.lock").read_text().splitlines()
