"""MLflow's server keeps artifacts in a bucket with object lock, as on AWS, and reads no other place."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import httpx2
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from tests.conftest import free_port
from tests.integration.jobs.test_worker import until

pytestmark = pytest.mark.slow
_TOKEN = "t" * 43
_DAYS = {"Mode": "GOVERNANCE", "Days": 365}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of S3 with the bucket `ours`, locked as the stacks lock it, and `foreign`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "MLFLOW_S3_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    s3 = boto3.client("s3", endpoint_url=f"http://{host}:{port}")
    s3.create_bucket(Bucket="ours", ObjectLockEnabledForBucket=True)
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": _DAYS}}
    s3.put_object_lock_configuration(Bucket="ours", ObjectLockConfiguration=lock)
    s3.create_bucket(Bucket="foreign")
    for name, key in (("foreign", "x/secret"), ("ours", "mlflow-else/secret")):
        s3.put_object(Bucket=name, Key=key, Body=b"secret")
    yield s3
    server.stop()


@pytest.fixture
def mlflow(bucket: Any, tmp_path: Path) -> Iterator[httpx2.Client]:
    """A client of the server that keeps artifacts in `s3://ours/mlflow`."""
    port = free_port()
    variables = {
        **os.environ,
        "COINSPHERE_HOME": str(tmp_path),
        "COINSPHERE_MLFLOW_ARTIFACTS": "s3://ours/mlflow",
        "COINSPHERE_MLFLOW_PORT": str(port),
        "COINSPHERE_MLFLOW_METRICS_PORT": str(free_port()),
        "COINSPHERE_SERVICE_TOKEN": _TOKEN,
        "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{tmp_path}/db",
    }
    command = [sys.executable, "-m", "ml.registry.tracking_server"]
    with (
        subprocess.Popen(command, env=variables) as server,
        httpx2.Client(
            base_url=f"http://127.0.0.1:{port}/api/2.0",
            headers={"Authorization": f"Bearer {_TOKEN}"},
            trust_env=False,
            timeout=60,
        ) as client,
    ):
        try:
            until(lambda: _answers(client), 180)
            yield client
        finally:
            server.kill()


def _answers(client: httpx2.Client) -> bool:
    try:
        return client.get("/mlflow/experiments/get?experiment_id=0").is_success
    except httpx2.HTTPError:
        return False


def test_what_is_stored_is_given_back_locked_and_nothing_else_is(mlflow, bucket, tmp_path) -> None:
    made = mlflow.post("/mlflow/runs/create", json={"experiment_id": "0"}).json()["run"]["info"]
    assert made["artifact_uri"].startswith("mlflow-artifacts:/")
    key = made["artifact_uri"].removeprefix("mlflow-artifacts:/") + "/model/weights.bin"
    path = f"/mlflow-artifacts/artifacts/{key}"
    assert mlflow.put(path, content=b"weights").is_success
    assert mlflow.get(path).content == b"weights"
    listed = {"run_id": made["run_id"], "path": "model"}
    (file,) = mlflow.get("/mlflow/artifacts/list", params=listed).json()["files"]
    assert file["path"] == "model/weights.bin"

    stored = bucket.head_object(Bucket="ours", Key=f"mlflow/{key}")
    assert stored["ObjectLockMode"] == "GOVERNANCE"
    assert mlflow.delete(path).is_success
    version = {"Bucket": "ours", "Key": f"mlflow/{key}", "VersionId": stored["VersionId"]}
    with pytest.raises(ClientError, match="AccessDenied"):
        bucket.delete_object(**version)
    assert bucket.get_object(**version)["Body"].read() == b"weights"

    (tmp_path / "mlflow").mkdir(exist_ok=True)
    for place in (
        "s3://foreign/x",
        "s3://ours/mlflow-else",
        "s3://ours/mlflow/../mlflow-else",
        (tmp_path / "mlflow").as_uri(),
    ):
        with closing(sqlite3.connect(tmp_path / "db")) as database, database:
            database.execute("update runs set artifact_uri = ?", [place])
        answer = mlflow.get("/mlflow/artifacts/list", params={"run_id": made["run_id"]})
        assert answer.status_code == 403, place
        assert "is not below the place" in answer.json()["message"]
