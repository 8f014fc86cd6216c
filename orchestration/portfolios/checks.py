"""What must hold of portfolios: the checks of `coinsphere integrity`, as asset checks."""

from collections.abc import Iterator

import dagster as dg

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.portfolio import integrity
from coinsphere.portfolio.valuation import reference_rates
from orchestration.execution import failures
from orchestration.portfolios.assets import EXCHANGE_RATES, POSITION_VALUES


@dg.multi_asset_check(
    name="check_books",
    specs=[
        dg.AssetCheckSpec(each.name, asset=POSITION_VALUES, description=each.rule)
        for each in integrity.CHECKS
    ],
    retry_policy=failures.PATIENT,
    description="Ledger, lots, positions and values against each other: docs/guides/portfolios.md.",
)
def check_books(
    database: dg.ResourceParam[Database], clock: dg.ResourceParam[Clock]
) -> Iterator[dg.AssetCheckResult]:
    """One result for each check; a fault is shown with the first rows that contradict it."""
    with failures.classified(), database.connection() as conn:
        results = integrity.check(conn)
        integrity.keep(conn, results, clock())
    for result in results:
        yield dg.AssetCheckResult(
            passed=result.holds,
            asset_key=POSITION_VALUES,
            check_name=result.name,
            severity=dg.AssetCheckSeverity.ERROR,
            metadata={"faults": result.faults, "examples": "\n".join(result.examples) or "none"},
        )


@dg.asset_check(
    name="exchange_rates_are_fresh",
    asset=EXCHANGE_RATES,
    description="The newest reference rates are a week old at most; the bank's longest pause is that of Easter, four days.",
)
def check_exchange_rates(
    database: dg.ResourceParam[Database], clock: dg.ResourceParam[Clock]
) -> dg.AssetCheckResult:
    """A warning: without rates, amounts in other currencies are unknown or old, and say so."""
    with failures.classified(), database.connection() as conn:
        newest = reference_rates.newest(conn)
    return dg.AssetCheckResult(
        passed=newest is not None and clock().date() - newest <= reference_rates.LONGEST_PAUSE,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"newest": str(newest), "remedy": reference_rates.REMEDY},
    )


CHECKS = [check_books, check_exchange_rates]
