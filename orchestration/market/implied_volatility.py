"""Implied volatility as an asset: Deribit's DVOL of each day, kept with the moment at which it was learned."""

from datetime import date, timedelta

import dagster as dg
import httpx2

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.market import implied_volatility as closes
from coinsphere.market import origin
from coinsphere.market.sources.deribit import PATIENCE, Deribit
from coinsphere.settings import Settings
from orchestration import automation
from orchestration.execution import failures

IMPLIED_VOLATILITY = dg.AssetKey(["market", "implied_volatility"])
_LATEST = timedelta(days=3)
"""A close that is older by then is missing: yesterday's is there at midnight, and a day without an answer is no fault."""


@dg.asset(
    key=IMPLIED_VOLATILITY,
    group_name="market",
    owners=["team:data"],
    kinds={"python", "postgres"},
    retry_policy=failures.PATIENT,
    freshness_policy=automation.daily_after_close(),
)
@failures.classified()
def implied_volatility(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """DVOL of BTC and ETH, a close a day since 2021-03; one that Deribit corrects stays beside the new one.

    Only where the market is live; elsewhere nothing is asked for, and `not_asked` says why. No forecast needs it
    (`coinsphere ml backtest --implied` says what it would add), so a Deribit that does not answer fails nothing: the next
    day brings what is missing.
    """
    if (elsewhere := _why_not_asked(database)) is not None:
        return dg.MaterializeResult(metadata={"dagster/row_count": 0, "not_asked": elsewhere})
    report = _brought(settings, database, clock)
    for problem in report.problems:
        context.log.warning("Implied volatility: %s", problem)
    with database.connection() as conn:
        newest, total = closes.newest(conn), closes.rows(conn)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": total,
            "rows_written": report.written,
            "source": settings.deribit_url,
            "problem": "\n".join(report.problems) or "none",
            **{f"newest_{currency}": str(day) for currency, day in newest.items()},
        }
    )


@dg.asset_check(
    asset=IMPLIED_VOLATILITY,
    retry_policy=failures.PATIENT,
    description="The newest close of each currency is three days old at most, and no value is below 5 or above 500 % a year.",
)
def implied_volatility_is_fresh_and_plausible(
    database: dg.ResourceParam[Database], clock: dg.ResourceParam[Clock]
) -> dg.AssetCheckResult:
    """A warning: no forecast reads it."""
    with failures.classified():
        if (elsewhere := _why_not_asked(database)) is not None:
            return dg.AssetCheckResult(passed=True, metadata={"not_asked": elsewhere})
        with database.connection() as conn:
            newest, strange = closes.newest(conn), closes.implausible(conn)
    late = [currency for currency, day in newest.items() if _is_late(day, clock().date())]
    return dg.AssetCheckResult(
        passed=not late and not strange,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"late": ", ".join(late) or "none", "implausible": "\n".join(strange) or "none"},
    )


CHECKS = [implied_volatility_is_fresh_and_plausible]


def _brought(settings: Settings, database: Database, clock: Clock) -> closes.Report:
    with database.connection() as conn, httpx2.Client(timeout=PATIENCE) as client:
        return closes.bring(conn, Deribit(settings.deribit_url, client, clock), clock())


def _why_not_asked(database: Database) -> str | None:
    """None where the market is live."""
    with database.connection() as conn:
        decided = origin.get(conn)
    if decided is not None and decided.source == "live":
        return None
    kind = "not decided yet" if decided is None else decided.source
    return f"Deribit is asked where the market is live; the origin of prices here is {kind}"


def _is_late(newest: date | None, today: date) -> bool:
    return newest is None or today - newest > _LATEST
