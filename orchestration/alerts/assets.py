"""Alert evaluations: the set-based statement of the kernel, run where the day's other work runs."""

from datetime import timedelta

import dagster as dg

from coinsphere.alerts import evaluation
from coinsphere.alerts.mails import AlertMails
from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.flags.client import Flags
from coinsphere.settings import Settings
from orchestration import automation
from orchestration.execution import failures
from orchestration.market.assets import QUOTES

EVALUATIONS = dg.AssetKey(["alerts", "evaluations"])


@dg.asset(
    key=EVALUATIONS,
    deps=[QUOTES],
    group_name="alerts",
    owners=["team:data"],
    kinds={"python", "postgres"},
    retry_policy=failures.HASTY,
    freshness_policy=automation.minutely_or_late(),
)
@failures.classified()
def evaluations(
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """Each active alert against the newest good price; a crossing becomes an event and a mail in one transaction."""
    return dg.MaterializeResult(metadata=evaluate(settings, database, clock))


def evaluate(settings: Settings, database: Database, clock: Clock) -> dict[str, int]:
    """Evaluate all alerts. Returns what came of it, for the catalogue."""
    stale_after = timedelta(seconds=settings.market_stale_seconds)
    mails = AlertMails(Flags.of(settings), settings.pages_url)
    with database.connection() as conn:
        report = evaluation.evaluate(conn, clock(), stale_after, mails)
    return {
        "dagster/row_count": report.judged,
        "judged": report.judged,
        "fired": report.fired,
        "skipped": report.skipped,
    }
