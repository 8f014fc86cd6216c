"""The Helm chart, rendered by Helm's own code and held against the schemas of the Kubernetes API: `make test-deploy`."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from coinsphere.local.processes import APPLICATIONS, dagster_environment
from coinsphere.settings import Settings
from tests.prometheus import SCRAPES
from webapi.server.drain import GRACEFUL_SECONDS

helm = pytest.importorskip("helm_python", reason="`make test-deploy` installs Helm and the schemas")
kubernetes_validate = pytest.importorskip("kubernetes_validate")

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
CHART = DEPLOY / "helm" / "coinsphere"
DAGSTER = CHART.parent / "dagster.yaml"
COMPOSE_POOLER = DEPLOY / "compose" / "pgbouncer.ini"
_OF_OPERATORS = ("external-secrets.io/v1", "postgresql.cnpg.io/v1", "monitoring.coreos.com/v1")


def render(values: dict[str, Any]) -> list[dict[str, Any]]:
    rendered = helm.Chart.load(str(CHART)).render(values, name="cs", namespace="cs")
    return [each for text in rendered.values() for each in yaml.safe_load_all(text) if each]


def installation(name: str) -> list[dict[str, Any]]:
    path = CHART / f"values{name}.yaml"
    return render(yaml.safe_load(path.read_text()))


def pods(manifests: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for each in manifests
        if each["kind"] in ("Deployment", "Job")
    }


@pytest.fixture(scope="module", params=["", "-staging", "-production"])
def manifests(request) -> list[dict[str, Any]]:
    return installation(request.param)


def test_helm_finds_no_fault() -> None:
    assert helm.lint(str(CHART), strict=True)["errors"] == []


def test_every_manifest_is_what_the_api_takes(manifests) -> None:
    ours = [each for each in manifests if each["apiVersion"] not in _OF_OPERATORS]
    assert len(ours) > 20
    for each in ours:
        kubernetes_validate.validate(each, "1.31", strict=True)


def test_a_wrong_manifest_would_be_refused(manifests) -> None:
    deployment = next(each for each in manifests if each["kind"] == "Deployment")
    wrong = {**deployment, "spec": {**deployment["spec"], "replicas": "three"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.31", strict=True)


def commands(manifests: list[dict[str, Any]]) -> list[list[str]]:
    return [
        container["command"] for pod in pods(manifests).values() for container in pod["containers"]
    ]


def test_every_process_runs_somewhere(manifests) -> None:
    started = {command[2] for command in commands(manifests) if command[1] == "run"}
    assert started >= set(APPLICATIONS) - {"watch", "backup"}
    assert ["coinsphere", "prepare"] in commands(manifests)


def test_backups_are_kept_but_where_the_server_lets_nobody_replicate() -> None:
    keeps = {
        name: ["coinsphere", "run", "backup"] in commands(installation(name))
        for name in ("", "-staging", "-production")
    }
    assert keeps == {"": True, "-staging": True, "-production": False}
    stored = {each["metadata"]["name"] for each in installation("-production")}
    assert not any("backup" in name for name in stored)


def test_the_keeper_is_where_the_models_are_and_reads_all_that_is_stored() -> None:
    bucket = {
        "places": ["/var/lib/coinsphere/backups", "s3://far/away"],
        "serviceAccount": "writer",
    }
    found = render({"backup": bucket, "postgres": {"cloudNativePG": {"enabled": True}}})
    pod = pods(found)["cs-backup"]
    assert pod["serviceAccountName"] == "writer"
    (term,) = pod["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    models = next(
        each["spec"]["template"]["metadata"]["labels"]
        for each in found
        if each["kind"] == "Deployment" and each["metadata"]["name"] == "cs-mlflow"
    )
    assert term["labelSelector"]["matchLabels"].items() <= models.items()
    claims = {
        each["name"]: each["persistentVolumeClaim"]["claimName"]
        for each in pod["volumes"]
        if "persistentVolumeClaim" in each
    }
    assert claims == {"state": "cs-backup", "keys": "cs-keys", "artifacts": "cs-mlflow"}
    (container,) = pod["containers"]
    mounts = {each["name"]: each for each in container["volumeMounts"]}
    assert mounts["keys"]["readOnly"]
    assert mounts["artifacts"]["readOnly"]
    given = {each["name"]: each.get("value") for each in container["env"]}
    assert given["COINSPHERE_BACKUP_PLACES"] == "/var/lib/coinsphere/backups,s3://far/away"
    (cluster,) = (each for each in found if each["kind"] == "Cluster")
    (rule,) = cluster["spec"]["postgresql"]["pg_hba"]
    assert rule.split()[1:3] == ["replication", "coinsphere_backup"]


def test_pods_fit_the_restricted_standard(manifests) -> None:
    for name, pod in pods(manifests).items():
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault", name
        assert not pod["automountServiceAccountToken"], name
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"], name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
            assert not context["allowPrivilegeEscalation"], name
            assert container["resources"]["requests"], name
            assert "memory" in container["resources"]["limits"], name
            assert not container["image"].endswith(":latest"), name


def test_secrets_are_files_of_their_own_role_and_stand_in_no_manifest(manifests) -> None:
    known = set(Settings.model_fields)
    for name, pod in pods(manifests).items():
        (volume,) = (each["secret"] for each in pod["volumes"] if "secret" in each)
        keys = {item["key"] for item in volume["items"]}
        assert keys <= known, name
        assert "superuser_database_url" not in keys, name
        for container in pod["containers"]:
            names = {each["name"] for each in container["env"]} - {"POD_IP"}
            given = {each.removeprefix("COINSPHERE_").lower() for each in names}
            assert given <= known, name
            assert not given & {"database_url", "redis_url", "service_token"}, name
    api = pods(manifests)["cs-api"]["volumes"][0]["secret"]["items"]
    assert {item["key"] for item in api if "database" in item["key"]} == {"api_database_url"}


def test_what_serves_people_survives_a_node_and_is_asked_before_it_serves(manifests) -> None:
    budgets = {
        each["metadata"]["name"] for each in manifests if each["kind"] == "PodDisruptionBudget"
    }
    assert {"cs-api", "cs-stream", "cs-worker", "cs-ml"} <= budgets
    for name in ("cs-api", "cs-stream"):
        (container,) = pods(manifests)[name]["containers"]
        assert {"startupProbe", "livenessProbe", "readinessProbe"} <= set(container)
    # A database that is away must restart nobody.
    (api,) = pods(manifests)["cs-api"]["containers"]
    assert api["livenessProbe"]["httpGet"]["path"] == "/health/live"


def test_whatever_serves_waits_for_its_endpoints_to_be_told(manifests) -> None:
    """The API drains by itself, and the others sleep before they are told to end."""
    for name in ("cs-api", "cs-stream", "cs-ml", "cs-mlflow"):
        pod = pods(manifests)[name]
        (container,) = pod["containers"]
        given = {each["name"]: each.get("value") for each in container["env"]}
        drain = int(given.get("COINSPHERE_API_DRAIN_SECONDS", 0))
        assert [bool(drain), "lifecycle" in container] == [name == "cs-api", name != "cs-api"]
        assert not drain or drain + GRACEFUL_SECONDS < pod["terminationGracePeriodSeconds"]


def test_the_network_is_closed_but_for_what_is_named(manifests) -> None:
    policies = {
        each["metadata"]["name"]: each["spec"]
        for each in manifests
        if each["kind"] == "NetworkPolicy"
    }
    assert "ingress" not in policies["cs-closed"]
    opened = policies["cs-front"]["podSelector"]["matchExpressions"][0]["values"]
    assert opened == ["api", "api-canary", "stream"]


def test_values_that_make_no_sense_are_refused() -> None:
    for wrong, why in (
        ({"image": {"tag": "latest"}}, "tag"),
        ({"processes": {"api": {"replicas": 0}}}, "replicas"),
        ({"processes": {"api": {"colour": "red"}}}, "colour"),
        ({"settings": {"PATH": "/"}}, "PATH"),
        ({"backup": {"places": []}}, "places"),
    ):
        with pytest.raises(helm.HelmValuesError, match=why):
            render(wrong)


def test_a_digest_counts_before_a_tag() -> None:
    digest = "sha256:" + "a" * 64
    found = pods(render({"image": {"registry": "example.org/cs", "digest": {"web": digest}}}))
    assert found["cs-api"]["containers"][0]["image"] == f"example.org/cs/web@{digest}"


def test_a_store_of_secrets_and_a_cluster_of_postgres_can_be_asked_for() -> None:
    found = installation("-production")
    stored = {each["metadata"]["name"] for each in found if each["kind"] == "ExternalSecret"}
    assert {"coinsphere-api", "coinsphere-owner", "coinsphere-pipeline"} <= stored
    wanted = {"postgres": {"cloudNativePG": {"enabled": True}}}
    (cluster,) = (each for each in render(wanted) if each["kind"] == "Cluster")
    assert cluster["spec"]["instances"] == 3


def test_a_pooler_comes_between_api_and_stream_and_the_server_where_that_is_wanted() -> None:
    found = render({"pooler": {"enabled": True, "server": "db.example.com"}})
    added = [each for each in found if each["metadata"]["name"] == "cs-pooler"]
    kinds = {"ConfigMap", "Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy"}
    assert {each["kind"] for each in added} == kinds
    for each in added:
        kubernetes_validate.validate(each, "1.31", strict=True)
    config = next(each["data"]["pgbouncer.ini"] for each in added if each["kind"] == "ConfigMap")
    shipped = COMPOSE_POOLER.read_text().replace("host=postgres", "host=db.example.com")
    assert config.splitlines() == [line for line in shipped.splitlines() if line[0] != ";"]
    keys = {
        name: {item["key"] for item in pods(found)[name]["volumes"][0]["secret"]["items"]}
        for name in ("cs-api", "cs-stream", "cs-worker", "cs-pooler")
    }
    assert "api_direct_database_url" in keys["cs-api"] & keys["cs-stream"]
    assert "api_direct_database_url" not in keys["cs-worker"]
    assert keys["cs-pooler"] == {"pooler_users"}
    pod = pods(found)["cs-pooler"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"]


def test_figures_of_every_process_are_scraped_where_that_is_wanted_and_closed_else(manifests):
    assert not any(each["metadata"]["name"] == "cs-figures" for each in manifests)
    found = render({"monitoring": {"enabled": True, "namespace": "watchers"}})
    scraped = {
        container["name"]: port["containerPort"]
        for pod in pods(found).values()
        for container in pod["containers"]
        for port in container.get("ports", ())
        if port["name"] == "figures"
    }
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    wanted = yaml.safe_load(SCRAPES.read_text())["scrape_configs"][0]["static_configs"]
    assert scraped == {
        each["labels"]["process"]: int(each["targets"][0].rpartition(":")[2])
        for each in wanted
        if each["labels"]["process"] != "watch"
    }
    assert set(scraped.values()) <= set(defaults.values())
    (monitor,) = (each for each in found if each["kind"] == "PodMonitor")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] == "figures"
    (policy,) = (each for each in found if each["metadata"]["name"] == "cs-figures")
    assert "watchers" in str(policy["spec"]["ingress"][0]["from"])
    (api,) = pods(found)["cs-api"]["containers"]
    hosts = next(each for each in api["env"] if each["name"] == "COINSPHERE_SERVICE_HOSTS")
    assert "$(POD_IP)" in hosts["value"].split(","), "a pod is asked by its address"


def test_a_canary_is_the_api_of_another_version_for_some_of_the_requests() -> None:
    values = yaml.safe_load((CHART / "values-production.yaml").read_text())
    usual, canary = (
        render({**values, "image": {"tag": "1.0.0"}, "canary": {"tag": tag, "weight": 5}})
        for tag in ("", "1.1.0")
    )
    names = {(each["kind"], each["metadata"]["name"]) for each in usual}
    added = {
        (each["kind"], each["metadata"]["name"]): each
        for each in canary
        if (each["kind"], each["metadata"]["name"]) not in names
    }
    assert set(added) == {
        ("Deployment", "cs-api-canary"),
        ("Service", "cs-api-canary"),
        ("Ingress", "cs-canary"),
    }
    for each in added.values():
        kubernetes_validate.validate(each, "1.31", strict=True)
    notes = added["Ingress", "cs-canary"]["metadata"]["annotations"]
    assert notes["nginx.ingress.kubernetes.io/canary-weight"] == "5"
    images = {name: pod["containers"][0]["image"] for name, pod in pods(canary).items()}
    assert (images["cs-api-canary"], images["cs-prepare"]) == ("web:1.1.0", "worker:1.1.0")
    assert (images["cs-api"], images["cs-worker"]) == ("web:1.0.0", "worker:1.0.0")
    (container,) = pods(canary)["cs-api-canary"]["containers"]
    assert container["command"] == ["coinsphere", "run", "api"]
    assert pods(canary)["cs-api-canary"]["volumes"] == pods(canary)["cs-api"]["volumes"]


@pytest.fixture(scope="module")
def without_dagster() -> list[dict[str, Any]]:
    """Our chart where Dagster comes by its own."""
    store = {"enabled": True, "store": {"name": "somewhere"}}
    return render({"dagster": {"enabled": False}, "secrets": {"external": store}})


def test_dagster_can_be_left_to_its_own_chart(without_dagster) -> None:
    kept = set(pods(installation(""))) - {"cs-dagster"}
    assert set(pods(without_dagster)) == kept
    claims = {
        each["metadata"]["name"]
        for each in without_dagster
        if each["kind"] in ("Service", "PersistentVolumeClaim")
    }
    assert "cs-dagster" not in claims
    for each in without_dagster:
        if each["apiVersion"] not in _OF_OPERATORS:
            kubernetes_validate.validate(each, "1.31", strict=True)
    with pytest.raises(helm.HelmValuesError, match="enabled"):
        render({"dagster": {"enabled": "no"}})


def test_dagsters_own_chart_finds_what_ours_leaves_for_it(without_dagster) -> None:
    values = yaml.safe_load(DAGSTER.read_text())
    (code,) = values["dagster-user-deployments"]["deployments"]
    stored = {
        each["metadata"]["name"]: {item["secretKey"] for item in each["spec"]["data"]}
        for each in without_dagster
        if each["kind"] == "ExternalSecret"
    }
    assert stored[values["global"]["postgresqlSecretName"]] == {"postgresql-password"}
    (secret,) = (each["secret"] for each in code["volumes"] if "secret" in each)
    assert stored[secret["secretName"]] == {item["key"] for item in secret["items"]}
    assert {item["path"] for item in secret["items"]} <= set(Settings.model_fields)
    (variables,) = (each for each in without_dagster if each["kind"] == "ConfigMap")
    assert code["envConfigMaps"] == [{"name": variables["metadata"]["name"]}]
    given = variables["data"]
    assert given["COINSPHERE_HOME"] == values["global"]["dagsterHome"]
    assert given["COINSPHERE_DAGSTER_EXECUTOR"] == "kubernetes"
    assert {name: given[name] for name in given if not name.startswith("COINSPHERE_")}.items() <= (
        dagster_environment(Settings(dagster_database_url="postgresql://x:y@z/d")).items()
    )
    names = (each.removeprefix("COINSPHERE_").lower() for each in given if "COINSPHERE_" in each)
    assert set(names) <= set(Settings.model_fields)


def test_pods_of_dagsters_own_chart_are_as_restricted_as_ours_and_as_closed(without_dagster):
    values = yaml.safe_load(DAGSTER.read_text())
    (code,) = values["dagster-user-deployments"]["deployments"]
    ours = pods(without_dagster)["cs-mlflow"]
    for each in (code, values["dagsterWebserver"], values["dagsterDaemon"]):
        assert each["podSecurityContext"] == ours["securityContext"]
        assert each["securityContext"] == ours["containers"][0]["securityContext"]
        assert {"requests", "limits"} == set(each["resources"])
        assert each["image"]["repository"].endswith("/pipeline")
    policies = {
        each["metadata"]["name"]: each["spec"]
        for each in without_dagster
        if each["kind"] == "NetworkPolicy"
    }
    asking = {"podSelector": {"matchLabels": code["labels"]}}
    assert policies["cs-dagster"]["ingress"] == [{"from": [asking]}]
    assert asking in policies["cs-within"]["ingress"][0]["from"]
    readers = policies["cs-dagster-read-only"]["podSelector"]["matchLabels"]
    assert readers.items() > code["labels"].items()
    server = values["dagsterWebserver"]
    (api,) = pods(without_dagster)["cs-api"]["containers"]
    url = next(each["value"] for each in api["env"] if each["name"] == "COINSPHERE_DAGSTER_URL")
    assert server["enableReadOnly"]
    assert (
        url == f"http://cs-dagster-{server['nameOverride']}-read-only:{server['service']['port']}"
    )
