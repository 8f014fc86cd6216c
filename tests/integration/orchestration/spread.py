"""A job whose steps have a process each, and whose one step fails; told as the runs of `orchestration.definitions` are."""

import dagster as dg
import psycopg

from coinsphere.observability import traces
from coinsphere.settings import Settings
from orchestration import traced_runs


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


@dg.definitions
def defs() -> dg.Definitions:
    """What a test loads."""
    spans = traces.start(Settings.from_env(), "dagster")
    assert spans is not None
    traced_runs.watch(spans)
    return dg.Definitions(jobs=[spread])
