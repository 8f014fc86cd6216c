"""The dbt models as assets, and the risk scores as they are published."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets
from dagster_dbt.errors import DagsterDbtCliRuntimeError

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.settings import Settings
from orchestration import automation
from orchestration.execution import failures
from orchestration.servers import documents
from orchestration.warehouse import data_versions, documentation, risk, row_counts
from orchestration.warehouse.dbt import Dbt

RISK_SCORES = dg.AssetKey(["market", "risk_scores"])
FEATURES = dg.AssetKey(["marts", data_versions.MODEL])
DBT_DOCS = dg.AssetKey(["documentation", "dbt_docs"])


product_events = dg.AssetSpec(
    dg.AssetKey(["app", "product_events"]),
    description="What users who allow it did, a row for a day of use. Written by the API, the pages and the worker.",
    group_name="app",
    owners=["team:data"],
    kinds={"postgres"},
)
users = dg.AssetSpec(
    dg.AssetKey(["app", "users"]),
    description="Accounts; dbt reads since when each allows product events.",
    group_name="app",
    owners=["team:data"],
    kinds={"postgres"},
)


class Translator(DagsterDbtTranslator):
    """Gives each dbt model the group, owner and policies that our own assets have."""

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """The asset of a dbt node. Its group is the layer, the first folder under `models`."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        if not unique_id.startswith("model."):
            return spec
        layer = manifest["nodes"][unique_id]["fqn"][1]
        return spec.replace_attributes(
            group_name=layer,
            owners=["team:data"],
            freshness_policy=automation.hourly_or_late(),
            automation_condition=automation.when_its_code_changes(),
        )


def build_models(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """One asset for each dbt model of `manifest`; dbt's tests become asset checks."""

    @dbt_assets(
        manifest=manifest,
        name="dbt_build",
        dagster_dbt_translator=Translator(),
        project=None,
        pool="dbt",
        retry_policy=failures.PATIENT,
    )
    def dbt_build(
        context: dg.AssetExecutionContext,
        dbt: dg.ResourceParam[Dbt],
        database: dg.ResourceParam[Database],
    ) -> Iterator[Any]:
        """Build the selected models and run their tests; a failed test stops what is downstream."""
        with failures.classified(), _dbt_errors_last():
            told = row_counts.counted(dbt.cli(["build"], context).stream(), manifest, database)
            yield from data_versions.versioned(told, manifest, database)

    return dbt_build


@contextmanager
def _dbt_errors_last() -> Iterator[None]:
    """Forbid a retry of what dbt reports: a failed test or a wrong model fails again. dbt itself retries to connect.

    Its error is a `Failure`, which Dagster would retry as often as the policy says.
    """
    try:
        yield
    except DagsterDbtCliRuntimeError as error:
        raise dg.Failure(error.description, error.metadata, allow_retries=False) from error


@dg.asset(
    key=RISK_SCORES,
    deps=[["marts", "fct_risk_scores"]],
    group_name="marts",
    owners=["team:data"],
    kinds={"python", "postgres"},
    retry_policy=failures.PATIENT,
    freshness_policy=automation.hourly_or_late(),
)
@failures.classified()
def risk_scores(
    database: dg.ResourceParam[Database], clock: dg.ResourceParam[Clock]
) -> dg.MaterializeResult:
    """Risk scores as they were published, one row per token and day; the API reads these."""
    with database.connection() as conn:
        published = risk.publish(conn, clock())
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": published.total,
            "rows_written": published.written,
            "refused": ", ".join(published.refused) or "none",
        }
    )


@dg.asset(
    key=DBT_DOCS,
    deps=[FEATURES],
    group_name="documentation",
    owners=["team:data"],
    kinds={"dbt"},
    pool="dbt",
    retry_policy=failures.PATIENT,
    freshness_policy=automation.daily_after_close(),
    check_specs=[
        dg.AssetCheckSpec(
            documentation.FRESH,
            asset=DBT_DOCS,
            description="No source of dbt is older than its freshness in `models/staging` says.",
        )
    ],
)
@failures.classified()
def dbt_docs(
    settings: dg.ResourceParam[Settings], dbt: dg.ResourceParam[Dbt]
) -> dg.MaterializeResult:
    """Tables, columns, tests, lineage and who reads them, as one page beside Dagster's UI: docs/guides/warehouse.md."""
    sources = documentation.sources(dbt)
    documentation.generate(dbt, documents.dbt(settings))
    return dg.MaterializeResult(
        metadata={"page": dg.MetadataValue.url(settings.orchestrator_url + documents.DBT)},
        check_results=[documentation.freshness(DBT_DOCS, sources)],
    )
