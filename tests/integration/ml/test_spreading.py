"""A real training whose steps are spread: over two Celery workers on a real Redis, and over processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
import redis

import orchestration
from coinsphere.settings import sqlalchemy_url
from ml import pipeline
from ml.registry.mlflow_client import client
from orchestration.forecasting.assets import EVALUATION, TRAINED_MODELS

pytestmark = pytest.mark.slow

TOKENS = ("BTC", "ETH", "SOL")
TEMPLATE = Path(orchestration.__file__).parent / "dagster.yaml"
LAUNCH = """
import sys
import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableRepository

repository = ReconstructableRepository.for_module("orchestration.definitions", "defs")
job = repository.get_reconstructable_job("training")
with dg.DagsterInstance.get() as instance:
    keys = [dg.AssetKey.from_user_string(key) for key in sys.argv[1:]]
    with dg.execute_job(job, instance=instance, asset_selection=keys) as done:
        print("RUN", done.run_id)
"""


@pytest.fixture(scope="module")
def environment(warehouse, postgres, module_redis, tmp_path_factory) -> dict[str, str]:
    """What a run and its workers are started with."""
    home = tmp_path_factory.mktemp("dagster")
    (home / "dagster.yaml").write_text(TEMPLATE.read_text())
    return {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "DAGSTER_POSTGRES_URL": sqlalchemy_url(postgres.url("dagster", "dagster"), "psycopg2"),
        "COINSPHERE_HOME": str(warehouse.settings.home),
        "COINSPHERE_DATABASE_URL": warehouse.database.pipeline,
        "COINSPHERE_REDIS_URL": module_redis.url,
        "COINSPHERE_MLFLOW_URL": warehouse.settings.mlflow_url,
        "COINSPHERE_ML_TOKENS": ",".join((*TOKENS, "NONE")),
        "COINSPHERE_ML_EPOCHS": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


@contextmanager
def worker(name: str, environment: dict[str, str], log: Path) -> Iterator[None]:
    """A Celery worker of one process, from the command that the guide names."""
    command = [
        "dagster-celery",
        "worker",
        "start",
        "-A",
        "orchestration.execution.celery_app",
        "-n",
        name,
    ]
    with (
        log.open("w") as out,
        subprocess.Popen(
            [*command, "--", "--concurrency", "1"],
            env=environment,
            stdout=out,
            stderr=out,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def _wait_for_workers(logs: list[Path]) -> None:
    """Until each says that it is ready for tasks."""
    for _ in range(600):
        if all(" ready." in log.read_text() for log in logs):
            return
        time.sleep(0.1)
    raise AssertionError("\n".join(log.read_text() for log in logs))


def _launch(environment: dict[str, str], *keys: dg.AssetKey) -> list[dg.EventLogEntry]:
    """Run assets of the job `training`; the events of the run, which must succeed."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LAUNCH, *(key.to_user_string() for key in keys)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    run_id = done.stdout.split("RUN ")[1].split()[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_POSTGRES_URL", environment["DAGSTER_POSTGRES_URL"])
        with dg.DagsterInstance.from_config(environment["DAGSTER_HOME"]) as instance:
            assert instance.get_run_by_id(run_id).is_success
            return instance.all_logs(run_id)


def _materialized(events: list[dg.EventLogEntry], key: dg.AssetKey) -> dict[str, object]:
    (made,) = [
        event.dagster_event.step_materialization_data.materialization
        for event in events
        if event.dagster_event
        and event.dagster_event.is_step_materialization
        and event.dagster_event.asset_key == key
    ]
    return {name: value.value for name, value in made.metadata.items()}


@pytest.fixture(scope="module")
def by_celery(environment, module_redis, tmp_path_factory):
    logs = [tmp_path_factory.mktemp("workers") / f"{name}.log" for name in ("one", "two")]
    chosen = {**environment, "COINSPHERE_DAGSTER_EXECUTOR": "celery"}
    with worker("one", chosen, logs[0]), worker("two", chosen, logs[1]):
        _wait_for_workers(logs)
        return _launch(chosen, TRAINED_MODELS)


def test_two_celery_workers_share_the_steps_of_a_training(by_celery):
    did: dict[str, set[str]] = {}
    for event in by_celery:
        data = event.dagster_event and event.dagster_event.event_specific_data
        held = getattr(data, "metadata", None) or {}
        if "Celery worker" in held:
            name = str(held["Celery worker"].value).partition("@")[0]
            did.setdefault(name, set()).add(event.step_key)
    assert set(did) == {"one", "two"}
    trained = {step for steps in did.values() for step in steps if "_of[" in step}
    assert trained == {
        f"forecasting__trained_models.trained_models_of[{symbol}]" for symbol in (*TOKENS, "NONE")
    }


def test_what_the_workers_trained_stands_together(by_celery, warehouse):
    facts = _materialized(by_celery, TRAINED_MODELS)
    assert facts["dagster/row_count"] == 4 * len(TOKENS)
    assert all(f"| {symbol} | lstm |" in facts["models"] for symbol in TOKENS)
    assert "NONE" in facts["passed_over"]
    assert "BTC lstm loss" in facts
    for symbol in TOKENS:
        token = warehouse.token(symbol)
        assert len(pipeline.registered_models(warehouse.settings, token)) == 4


def test_nothing_is_left_on_redis_but_what_celery_forgets_by_itself(by_celery, module_redis):
    with redis.Redis.from_url(module_redis.url) as client:
        assert client.llen("dagster") == 0


def test_a_version_leads_back_to_the_run_of_dagster_and_to_its_data(by_celery, warehouse):
    newest = pipeline.registered_models(warehouse.settings, warehouse.token("ETH"))[-1]
    tracked = client(warehouse.settings).get_run(newest.run_id)
    (run_id,) = {event.run_id for event in by_celery}
    assert tracked.data.tags["dagster_run_id"] == run_id
    assert tracked.data.tags["dagster_run"].endswith(f"/runs/{run_id}")
    assert tracked.data.tags["data_digest"] == newest.data_digest
    with warehouse.pipeline() as conn:
        found = conn.execute(
            "select rows from model.training_sets where digest = %s", [newest.data_digest]
        ).fetchone()
    assert found is not None


def test_the_evaluation_is_spread_over_processes_of_this_machine(by_celery, environment):
    events = _launch(environment, EVALUATION)
    facts = _materialized(events, EVALUATION)
    assert facts["dagster/row_count"] == 4 * 4 * len(TOKENS)
    assert all(f"| {symbol} | " in facts["champions"] for symbol in TOKENS)
    processes = {
        event.dagster_event.pid
        for event in events
        if event.dagster_event and "_of[" in (event.dagster_event.step_key or "")
    }
    assert len(processes) >= len(TOKENS)
