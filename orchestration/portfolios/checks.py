"""What must hold of portfolios: the checks of `coinsphere integrity`, as asset checks."""

from collections.abc import Iterator

import dagster as dg

from coinsphere.db.pool import Database
from coinsphere.portfolio import integrity
from orchestration import failures
from orchestration.portfolios.assets import POSITION_VALUES


@dg.multi_asset_check(
    name="check_books",
    specs=[
        dg.AssetCheckSpec(each.name, asset=POSITION_VALUES, description=each.rule)
        for each in integrity.CHECKS
    ],
    retry_policy=failures.PATIENT,
    description="Ledger, lots, positions and values against each other: docs/guides/portfolios.md.",
)
def check_books(database: dg.ResourceParam[Database]) -> Iterator[dg.AssetCheckResult]:
    """One result for each check; a fault is shown with the first rows that contradict it."""
    with failures.classified(), database.connection() as conn:
        results = integrity.check(conn)
    for result in results:
        yield dg.AssetCheckResult(
            passed=result.holds,
            asset_key=POSITION_VALUES,
            check_name=result.name,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"faults": result.faults, "examples": "\n".join(result.examples) or "none"},
        )


CHECKS = [check_books]
