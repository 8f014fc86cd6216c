"""Jobs whose runs are told as those of `orchestration.definitions` are: one of steps that have a process each, and one of which
fails; and one that has dbt and MLflow do something.
"""

from contextlib import suppress

import dagster as dg
import psycopg
from mlflow.exceptions import MlflowException

from coinsphere.observability import traces
from coinsphere.settings import Settings
from ml.registry import mlflow_client
from orchestration.execution import traced_runs
from orchestration.warehouse.dbt import Dbt


@dg.op
def asks() -> None:
    """Ask the database something."""
    with psycopg.connect(Settings.from_env().dsn) as conn:
        conn.execute("select count(*) from pg_class where relname = 'secret'")


@dg.op
def fails() -> None:
    """Break."""
    raise ValueError("on purpose")


@dg.job(executor_def=dg.multiprocess_executor)
def spread() -> None:
    """Both."""
    asks()
    fails()


@dg.op
def models() -> None:
    """Build one of dbt's models."""
    assert Dbt(Settings.from_env()).run(["run", "--select", "stg_market__tokens"])


@dg.op
def experiments() -> None:
    """Ask MLflow, whose place the collector takes: it knows no such address."""
    with suppress(MlflowException):
        mlflow_client.client(Settings.from_env()).search_experiments()


@dg.job(executor_def=dg.in_process_executor)
def others() -> None:
    """Both."""
    models()
    experiments()


@dg.definitions
def defs() -> dg.Definitions:
    """What a test loads."""
    spans = traces.start(Settings.from_env(), "dagster")
    assert spans is not None
    traced_runs.watch(spans)
    return dg.Definitions(jobs=[spread, others])
