"""The ports beside the API obey neither another site's page nor another account of the machine."""

import json
import os
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import httpx2
import psycopg
import pytest
from mlflow import MlflowClient
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from coinsphere.guard.passes import link
from coinsphere.local import probes
from coinsphere.local.state import State
from ml.registry import mlflow_client
from tests.integration.local.conftest import SERVICES, Doors
from tests.prometheus import assert_names_nobody, exposed

# The first start of Dagster's and MLflow's databases is slow on a busy machine.
pytestmark = pytest.mark.timeout(600)

LIMIT = 'mutation { setConcurrencyLimit(concurrencyKey: "planted", limit: 7) }'
_READ_LIMIT = 'query { instance { concurrencyLimit(concurrencyKey: "planted") { slotCount } } }'
_PAGES = {
    "dagster": "/server_info",
    "mlflow": "/api/2.0/mlflow/experiments/get?experiment_id=0",
    "ml": "/predict/XX",
}
_CHANGES = {
    "dagster": ("/graphql", {"query": LIMIT}),
    "mlflow": ("/api/2.0/mlflow/experiments/create", {"name": "planted"}),
    "ml": ("/predict/XX", {}),
}


def nothing_was_planted(doors: Doors) -> bool:
    found = probes.graphql(doors.settings, _READ_LIMIT)["instance"]["concurrencyLimit"]
    with doors.client("mlflow") as client:
        answer = client.get(
            "/api/2.0/mlflow/experiments/get-by-name", params={"experiment_name": "planted"}
        )
    return found["slotCount"] == 0 and answer.status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_foreign_page_can_send_is_refused_even_with_a_pass(doors, service) -> None:
    path, body = _CHANGES[service]
    text = json.dumps(body)
    own = f"127.0.0.1:{doors.port(service)}"
    with doors.client(service) as client:
        sent = {
            403: [
                client.get(_PAGES[service], headers={"Host": host})
                for host in (
                    "evil.example",
                    f"evil.example:{doors.port(service)}",
                    "127.0.0.1.evil.example",
                    "[::2]",
                )
            ]
            + [
                client.post(path, json=body, headers=headers)
                for headers in (
                    {"Origin": "https://evil.example"},
                    {"Origin": "null"},
                    {"Origin": "http://127.0.0.1:1"},
                    {"Origin": f"http://localhost:{doors.port(service)}"},
                    {"Sec-Fetch-Site": "cross-site"},
                    {"Sec-Fetch-Site": "same-site"},
                    {
                        "Sec-Fetch-Site": "cross-site",
                        "Sec-Fetch-Mode": "navigate",
                        "Sec-Fetch-Dest": "document",
                    },
                    {"Origin": f"http://{own}, http://evil.example"},
                )
            ]
            + [
                client.get(
                    _PAGES[service],
                    headers={
                        "Sec-Fetch-Site": "cross-site",
                        "Sec-Fetch-Mode": "navigate",
                        "Sec-Fetch-Dest": "iframe",
                    },
                )
            ]
            + [
                client.options(
                    path,
                    headers={
                        "Origin": "https://evil.example",
                        "Access-Control-Request-Method": "POST",
                    },
                )
            ],
            415: [
                client.post(path, content=text, headers={"Content-Type": kind})
                for kind in (
                    "text/plain",
                    "text/plain; application/json",
                    "application/x-www-form-urlencoded",
                    "multipart/form-data; boundary=x",
                    "application/graphql",
                    "",
                )
            ],
        }
    for status, answers in sent.items():
        assert [answer.status_code for answer in answers] == [status] * len(answers)
        assert all(len(answer.text) > 40 for answer in answers), "a refusal says what to do"
    assert nothing_was_planted(doors)


@pytest.mark.parametrize("service", ["dagster", "mlflow"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_graphql_changes_nothing_by_get(doors, service, method) -> None:
    with doors.client(service) as client:
        for query in (f"query={quote(LIMIT)}", f"x=&%71uery={quote(LIMIT)}"):
            assert client.request(method, f"/graphql?{query}").status_code == 405
    assert nothing_was_planted(doors)


@pytest.mark.parametrize("service", SERVICES)
def test_without_the_token_nothing_is_told(doors, service) -> None:
    path, body = _CHANGES[service]
    token = doors.settings.service_token.get_secret_value()
    wrong = [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {token[:-1]}"},
        {"Authorization": f"Basic {token}"},
        {"Cookie": f"coinsphere_{service}={token}"},
        {"Cookie": f"coinsphere_{service}=e30.x.y"},
    ]
    with httpx2.Client(base_url=doors.url(service), timeout=60) as client:
        for headers in wrong:
            assert client.get(_PAGES[service], headers=headers).status_code == 401
            assert client.post(path, json=body, headers=headers).status_code == 401
        page = client.get("/", headers={"Accept": "text/html"})
        assert page.status_code == 401
        assert "coinsphere links" in page.text
    assert nothing_was_planted(doors)


def test_a_link_signs_a_browser_in_once_and_for_one_service(doors) -> None:
    settings = doors.settings
    address = link(settings, "dagster", settings.orchestrator_url)
    own = {"Origin": doors.url("dagster"), "Sec-Fetch-Site": "same-origin"}
    with httpx2.Client(timeout=60) as browser:
        first = browser.get(address)
        assert (first.status_code, first.headers["location"]) == (303, "/")
        assert {"HttpOnly", "SameSite=strict"} <= set(first.headers["set-cookie"].split("; "))
        assert browser.get(doors.url("dagster", "/"), headers={"Accept": "text/html"}).is_success
        answer = browser.post(
            doors.url("dagster", "/graphql"), json={"query": "{ version }"}, headers=own
        )
        assert answer.json()["data"]["version"]
        assert browser.get(doors.url("mlflow", "/")).status_code == 401
        cookie = {"Cookie": f"coinsphere_dagster={browser.cookies['coinsphere_dagster']}"}
    with connect(
        _socket(doors),
        additional_headers=cookie,
        origin=doors.url("dagster"),
        subprotocols=["graphql-ws"],
    ) as talk:
        talk.send(json.dumps({"type": "connection_init"}))
        assert json.loads(talk.recv(timeout=60)) == {"type": "connection_ack"}
    with httpx2.Client(timeout=60) as other:
        assert other.get(address).status_code == 401
        stolen = address.replace(str(doors.port("dagster")), str(doors.port("mlflow")))
        assert other.get(stolen).status_code == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:1", None])
def test_a_websocket_opens_for_own_pages_with_a_pass_alone(doors, origin) -> None:
    headers = doors.settings.service_headers if origin else {}
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(_socket(doors), origin=origin, additional_headers=headers),
    ):
        pass
    assert refused.value.response.status_code == (403 if origin else 401)


def _socket(doors: Doors) -> str:
    return f"{doors.url('dagster', '/graphql').replace('http', 'ws', 1)}"


_OTHER_ACCOUNT = """
import encodings.idna, json, os, pwd, socket, sys, urllib.error, urllib.request
home, *urls = sys.argv[1:]
# This Python may lie where the other account cannot start it.
nobody = pwd.getpwnam("nobody")
os.setgroups([])
os.setgid(nobody.pw_gid)
os.setuid(nobody.pw_uid)
def tried(action):
    try:
        return str(action())
    except urllib.error.HTTPError as error:
        return error.code
    except OSError as error:
        return type(error).__name__
def call():
    with socket.socket(socket.AF_UNIX) as way:
        way.connect(f"{home}/dagster/code.sock")
print(json.dumps({
    "credentials": tried(lambda: open(f"{home}/credentials.env").read()),
    "code server": tried(call),
    "artifacts": tried(lambda: os.listdir(f"{home}/mlflow")),
    **{url: tried(lambda: urllib.request.urlopen(url).read()) for url in urls},
}))
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another account")
def test_another_account_of_the_machine_is_let_in_nowhere(doors) -> None:
    urls = [doors.url(service, _PAGES[service]) for service in SERVICES]
    done = subprocess.run(
        [sys.executable, "-I", "-c", _OTHER_ACCOUNT, str(doors.settings.state), *urls],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "credentials": "PermissionError",
        "code server": "PermissionError",
        "artifacts": "PermissionError",
        **dict.fromkeys(urls, 401),
    }


@pytest.fixture
def registry(doors, monkeypatch) -> MlflowClient:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "replaced")
    return mlflow_client.client(doors.settings)


def test_artifacts_of_its_own_go_in_and_come_out(registry, tmp_path) -> None:
    experiment = registry.create_experiment("own")
    run = registry.create_run(experiment)
    for name, content in (("note.txt", "a note"), ("page.html", "<p>"), ("data.json", "{}")):
        (tmp_path / name).write_text(content)
        registry.log_artifact(run.info.run_id, str(tmp_path / name), "folder")
    assert len(registry.list_artifacts(run.info.run_id, "folder")) == 3
    fetched = registry.download_artifacts(run.info.run_id, "folder/note.txt", str(tmp_path))
    assert Path(fetched).read_text() == "a note"


@pytest.mark.parametrize(
    "place",
    [
        "file:///etc",
        "/etc",
        "relative",
        "mlflow-artifacts:/../..",
        "mlflow-artifacts:/a/%2e%2e/%2e%2e/b",
        "mlflow-artifacts://evil.example/x",
        "http://evil.example/api/2.0/mlflow-artifacts/artifacts/x",
        "s3://bucket/x",
        "ftp://evil.example/x",
    ],
)
@pytest.mark.parametrize("field", ["artifact_location", "artifactLocation"])
def test_an_experiment_names_no_place_but_the_servers(doors, field, place) -> None:
    with doors.client("mlflow") as client:
        answer = client.post(
            "/api/2.0/mlflow/experiments/create", json={"name": "elsewhere", field: place}
        )
    assert answer.status_code == 400
    assert "mlflow-artifacts:/" in answer.json()["message"] or "Invalid" in answer.text


def test_a_version_of_a_model_names_no_place_but_the_servers(doors, registry) -> None:
    registry.create_registered_model("elsewhere")
    with doors.client("mlflow") as client:
        for source in ("file:///etc", "/etc", "s3://bucket/x"):
            body = {"name": "elsewhere", "source": source}
            answer = client.post("/api/2.0/mlflow/model-versions/create", json=body)
            assert answer.status_code == 400, source


def test_nothing_outside_is_read_whatever_the_database_names(doors, registry) -> None:
    """As older releases, or a person with the database's password, may have left it."""
    settings = doors.settings
    root = State(settings.state).artifacts
    (root / "out").symlink_to(settings.state)
    run = registry.create_run(registry.create_experiment("old")).info.run_id
    url = settings.mlflow_database_url.get_secret_value()
    for place in (
        settings.state.as_uri(),
        str(settings.state),
        (root / "out").as_uri(),
        "mlflow-artifacts:/out",
        "mlflow-artifacts:/..",
        "http://127.0.0.1:1/api/2.0/mlflow-artifacts/artifacts/out",
        "s3://bucket/x",
    ):
        with psycopg.connect(url) as conn:
            conn.execute("update runs set artifact_uri = %s where run_uuid = %s", (place, run))
        for page in ("/get-artifact", "/api/2.0/mlflow/artifacts/list"):
            with doors.client("mlflow") as client:
                answer = client.get(
                    page, params={"run_uuid": run, "run_id": run, "path": "credentials.env"}
                )
            assert "POSTGRES" not in answer.text, place
            assert "credentials" not in answer.json().get("files", []), place
            assert answer.status_code >= 400 or answer.json() == {"root_uri": place}, place


@pytest.mark.parametrize(
    "path", ["out/credentials.env", "..%2fcredentials.env", "%2e%2e/credentials.env", "out2"]
)
def test_links_below_the_artifacts_are_not_followed(doors, path) -> None:
    root = State(doors.settings.state).artifacts
    for name, target in (
        ("out", doors.settings.state),
        ("out2", doors.settings.state / "credentials.env"),
    ):
        if not (root / name).is_symlink():
            (root / name).symlink_to(target)
    with doors.client("mlflow") as client:
        answer = client.get(f"/api/2.0/mlflow-artifacts/artifacts/{path}")
        deleted = client.delete(f"/api/2.0/mlflow-artifacts/artifacts/{path}")
        put = client.put(f"/api/2.0/mlflow-artifacts/artifacts/{path}/x", content=b"x")
    assert answer.status_code >= 400, answer.text
    assert deleted.status_code >= 400
    assert put.status_code >= 400
    assert State(doors.settings.state).credentials.exists()


def test_only_health_is_public(doors) -> None:
    for service in ("mlflow", "ml"):
        assert httpx2.get(doors.url(service, "/health"), timeout=60).is_success
        evil = httpx2.get(
            doors.url(service, "/health"), headers={"Host": "evil.example"}, timeout=60
        )
        assert evil.status_code == 403
    told = httpx2.get(doors.url("ml", "/health"), timeout=60).json()
    assert told == {"status": "healthy", "models_loaded": 0, "models": []}


def test_each_tells_its_figures_on_a_port_of_its_own(doors):
    """Where nothing was trained and nothing ran yet."""
    with doors.client("ml") as client:
        assert client.get("/predict/BTC").status_code == 503
    told = {}
    for service in SERVICES:
        address = f"http://127.0.0.1:{getattr(doors.settings, f'{service}_metrics_port')}/metrics"
        told[service] = httpx2.get(address, timeout=60).text
        assert httpx2.get(address, headers={"Host": "evil.example"}, timeout=60).status_code == 403
        assert_names_nobody(told[service])
    assert 'coinsphere_service_requests_total{service="ml",status="503"}' in told["ml"]
    for known in ("coinsphere_tokens_forecast 0.0", "coinsphere_pool_most"):
        assert known in told["ml"]
    assert 'coinsphere_service_requests_total{service="mlflow"' in told["mlflow"]
    assert "coinsphere_dagster_up 1.0" in told["dagster"]
    assert {"coinsphere_runs", "coinsphere_daemon_beat_age_seconds"} < exposed(told["dagster"])
