"""Expectation suites as asset checks: one check for each expectation, one step for each suite.

The names and severities are known without importing Great Expectations, whose import takes 4 to 7 s; that and pandas
are imported inside the step. What a rule finds is set aside, row by row or token by token, before anything downstream
begins, and the check warns; only what concerns the table as a whole is an ERROR, and blocks.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg
from psycopg import Connection

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.settings import Settings
from expectations.suites.rules import Rule, Severity
from orchestration.checks import effects
from orchestration.execution import failures
from orchestration.metadata.tables import table
from orchestration.servers import documents

if TYPE_CHECKING:
    import pandas as pd

    from expectations.runner import Finding

Read = Callable[[Connection, Settings, datetime], "pd.DataFrame"]
"""Reads the table that a suite looks at."""

_SEVERITIES = {
    Severity.CRITICAL: dg.AssetCheckSeverity.ERROR,
    Severity.WARNING: dg.AssetCheckSeverity.WARN,
}


def build(
    name: str, asset: dg.AssetKey, suite: Sequence[Rule], read: Read, labels: Sequence[str]
) -> dg.AssetChecksDefinition:
    """The checks of `suite` on `asset`, as one step.

    Args:
        name: of the step.
        asset: what is checked.
        suite: the rules.
        read: gives the table; called inside the step.
        labels: columns by which a person finds a row of it.
    """

    @dg.multi_asset_check(
        name=name,
        specs=[_spec(asset, rule) for rule in suite],
        retry_policy=failures.PATIENT,
        description=f"The suite `{name}` of Great Expectations, with pages of its own: docs/guides/data-quality.md.",
    )
    def check(
        settings: dg.ResourceParam[Settings],
        database: dg.ResourceParam[Database],
        clock: dg.ResourceParam[Clock],
    ) -> Iterator[dg.AssetCheckResult]:
        with failures.classified():
            with database.connection() as conn:
                frame = read(conn, settings, clock())
            from expectations import data_docs, runner

            site = data_docs.Site(documents.checks(settings), name)
            findings = runner.validate(frame, suite, labels, site)
            with database.connection() as conn:
                holding = effects.settle(conn, suite, findings, frame, clock())
        for finding in findings:
            yield _result(asset, finding, len(frame), holding)

    return check


def _spec(asset: dg.AssetKey, rule: Rule) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        rule.name,
        asset=asset,
        description=rule.description,
        blocking=rule.severity is Severity.CRITICAL,
        metadata={"severity": _SEVERITIES[rule.severity].value},
    )


def _result(
    asset: dg.AssetKey, finding: "Finding", rows: int, holding: Collection[str]
) -> dg.AssetCheckResult:
    facts: dict[str, dg.MetadataValue] = {
        "set_aside": dg.MetadataValue.bool(finding.rule.name in holding),
        "rows_checked": dg.MetadataValue.int(rows),
        "rows_unexpected": dg.MetadataValue.int(finding.unexpected),
    }
    if finding.detail:
        facts["detail"] = dg.MetadataValue.text(finding.detail)
    if finding.examples:
        facts["examples"] = dg.MetadataValue.md(table(finding.examples))
    return dg.AssetCheckResult(
        passed=finding.passed or (finding.is_of_rows and finding.rule.name not in holding),
        asset_key=asset,
        check_name=finding.rule.name,
        severity=dg.AssetCheckSeverity.ERROR if finding.blocks else dg.AssetCheckSeverity.WARN,
        description=None if finding.passed else finding.rule.description,
        metadata=facts,
    )
