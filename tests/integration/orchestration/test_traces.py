"""A run of Dagster is a trace: its steps are below it, whatever process does them, and their statements below the steps."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from coinsphere.settings import sqlalchemy_url
from tests.fakes.collector import Collector, collector
from tests.integration.jobs.test_worker import until
from tests.integration.orchestration.conftest import TEMPLATE

pytestmark = pytest.mark.slow

_ROOT = Path(__file__).resolve().parents[3]
_LAUNCH = """
import sys
import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableRepository

repository = ReconstructableRepository.for_module(sys.argv[1], "defs")
job = repository.get_reconstructable_job(sys.argv[2])
with dg.DagsterInstance.get() as instance, dg.execute_job(job, instance=instance) as done:
    print("RUN", done.run_id)
"""


@pytest.fixture
def environment(postgres, database, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "dagster.yaml").write_text(TEMPLATE.read_text())
    return {
        **os.environ,
        "DAGSTER_HOME": str(tmp_path),
        "DAGSTER_POSTGRES_URL": sqlalchemy_url(postgres.url("dagster", "dagster"), "psycopg2"),
        "COINSPHERE_HOME": str(tmp_path),
        "COINSPHERE_DATABASE_URL": database.pipeline,
        "COINSPHERE_TRACES_SHARE": "1",
        "PYTHONPATH": str(_ROOT),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def _run(environment: dict[str, str], told: Collector, module: str, job: str) -> str:
    """The trace of a run of `job`, once its end was told."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _LAUNCH, module, job],
        env=environment | {"COINSPHERE_TRACES_URL": told.url},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    trace = done.stdout.split("RUN ")[1].split()[0].replace("-", "")
    until(lambda: told.named(f"run {job}", trace))
    return trace


def test_a_run_of_ours(environment) -> None:
    with collector() as told:
        trace = _run(environment, told, "orchestration.definitions", "housekeeping")
    (run,) = told.named("run housekeeping", trace)
    assert (run.process, run.parent, run.failed) == ("coinsphere-dagster", "", False)
    assert run.attributes["dagster.job.name"] == "housekeeping"
    assert run.attributes["dagster.run.id"].replace("-", "") == trace
    steps = [each for each in told.of(trace) if each.parent == run.id]
    names = {"step forget_old_runs", "step make_partitions", "step forget_old_prices"}
    assert names <= {each.name for each in steps}
    statements = [each for each in told.of(trace) if "db.query.text" in each.attributes]
    assert {told.above(each)[0] for each in statements} & names
    assert {told.above(each)[-1] for each in statements} == {"run housekeeping"}


def test_a_run_whose_steps_have_processes_of_their_own(environment) -> None:
    with collector() as told:
        trace = _run(environment, told, "tests.integration.orchestration.spread", "spread")
        until(lambda: len(told.of(trace)) == 4)
    (run,) = told.named("run spread", trace)
    (asks,), (fails,) = told.named("step asks", trace), told.named("step fails", trace)
    assert {asks.parent, fails.parent} == {run.id}
    assert (run.failed, asks.failed, fails.failed) == (True, False, True)
    (statement,) = told.named("SELECT pg_class", trace)
    assert statement.parent == asks.id


def test_dbts_statements_and_calls_of_mlflow_are_below_their_steps(environment) -> None:
    module = "tests.integration.orchestration.spread"
    with collector() as told:
        environment |= {"COINSPHERE_MLFLOW_URL": told.url}
        trace = _run(environment, told, module, "others")
        until(lambda: told.named("dbt model stg_market__tokens", trace))
    (model,) = told.named("dbt model stg_market__tokens", trace)
    assert model.process == "coinsphere-dbt"
    assert told.above(model) == ["step models", "run others"]
    (created,) = [
        each
        for each in told.of(trace)
        if "create view" in each.attributes.get("db.query.text", "") and each.parent == model.id
    ]
    assert not model.failed
    assert created.name.startswith("CREATE")
    (asked,) = told.named("POST 127.0.0.1", trace)
    assert asked.attributes["http.response.status_code"] == 404
    assert told.above(asked) == ["step experiments", "run others"]
