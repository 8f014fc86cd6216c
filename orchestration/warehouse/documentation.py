"""dbt's generated docs, and the freshness of its sources."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.metadata.tables import table
from orchestration.warehouse.dbt import Dbt

FRESH = "sources_are_fresh"


def sources(dbt: Dbt) -> list[dict[str, Any]]:
    """The results of `dbt source freshness`; a source that is too old is a result, not an error."""
    dbt.run(["source", "freshness"])
    report = json.loads((dbt.target / "sources.json").read_text(encoding="utf-8"))
    results: list[dict[str, Any]] = report["results"]
    return results


def generate(dbt: Dbt, page: Path) -> None:
    """Make the docs, as one page that needs no other file.

    Raises:
        dagster.Failure: dbt could not; its own words stand in the log.
    """
    if not dbt.run(["docs", "generate", "--static"]):
        raise dg.Failure("dbt could not generate its docs; its own words stand above")
    page.parent.mkdir(parents=True, exist_ok=True)
    new = page.with_suffix(".new")
    shutil.copyfile(dbt.target / "static_index.html", new)
    new.replace(page)


def freshness(asset: dg.AssetKey, results: Sequence[Mapping[str, Any]]) -> dg.AssetCheckResult:
    """A check that warns of old sources: models of them are as old, and otherwise right."""
    rows = [
        {
            "source": each["unique_id"].removeprefix("source.coinsphere."),
            "state": each["status"],
            "newest": str(each.get("max_loaded_at", "")),
        }
        for each in results
    ]
    return dg.AssetCheckResult(
        passed=all(row["state"] == "pass" for row in rows),
        asset_key=asset,
        check_name=FRESH,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"sources": dg.MetadataValue.md(table(rows))},
    )
