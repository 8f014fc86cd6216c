"""How many rows each model of dbt has, beside its materialisation.

Dagster's client of dbt counts them, too, but waits for dbt in a loop without a pause, which takes a core as long as dbt works.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg
import psycopg
from psycopg import sql

from coinsphere.db.pool import Database

_logger = logging.getLogger(__name__)


def counted(
    events: Iterable[Any], manifest: Mapping[str, Any], database: Database
) -> Iterator[Any]:
    """`events` of a build in their order; the output of each table of `manifest` tells its number of rows."""
    for event in events:
        yield _with_count(event, manifest, database) if isinstance(event, dg.Output) else event


def _with_count(
    output: dg.Output[Any], manifest: Mapping[str, Any], database: Database
) -> dg.Output[Any]:
    node = manifest["nodes"][output.metadata["unique_id"].value]
    # To count a view's rows is to run its query.
    if node["config"]["materialized"] == "view":
        return output
    try:
        rows = _count(sql.Identifier(node["schema"], node["alias"]), database)
    except psycopg.Error as error:
        # The model is built all the same.
        _logger.warning("The rows of %s are not counted: %s", node["alias"], error)
        return output
    return output.with_metadata({**output.metadata, "dagster/row_count": rows})


def _count(table: sql.Identifier, database: Database) -> int:
    with database.connection() as conn:
        (rows,) = conn.execute(sql.SQL("select count(*) from {}").format(table)).fetchone() or (0,)
    return int(rows)
