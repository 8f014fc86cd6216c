"""The version of the features' data: what their closed days say.

Dagster would call everything that is made of them once a day out of sync after each hour's build, which moves the open day
alone.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg
import psycopg

from coinsphere.db.pool import Database

MODEL = "ml_features_daily"
_logger = logging.getLogger(__name__)
_VERSION = """
    select count(*) || '-' || coalesce(sum(hashtextextended(features::text, 0)), 0)
    from marts.ml_features_daily as features where is_final
"""


def versioned(
    events: Iterable[Any], manifest: Mapping[str, Any], database: Database
) -> Iterator[Any]:
    """`events` of a build in their order; the output of the features tells the version of its data."""
    for event in events:
        is_output = isinstance(event, dg.Output)
        yield _versioned(event, database) if is_output and _model(event, manifest) else event


def _model(output: dg.Output[Any], manifest: Mapping[str, Any]) -> bool:
    node = manifest["nodes"][output.metadata["unique_id"].value]
    return bool(node["alias"] == MODEL)


def _versioned(output: dg.Output[Any], database: Database) -> dg.Output[Any]:
    try:
        with database.connection() as conn:
            (version,) = conn.execute(_VERSION).fetchone() or ("",)
    except psycopg.Error as error:
        # The model is built all the same.
        _logger.warning("The version of %s is not known: %s", MODEL, error)
        return output
    return dg.Output(
        output.value,
        output.output_name,
        metadata=output.metadata,
        data_version=dg.DataVersion(version),
        tags=output.tags,
    )
