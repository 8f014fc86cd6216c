"""Exchange rates, and the daily values of portfolios. A user's own changes are the worker's work; the new day is ours."""

import dagster as dg
import httpx2
import psycopg

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.errors import Unavailable
from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.jobs import daily_update
from coinsphere.portfolio.valuation import reference_rate_seed, reference_rates
from coinsphere.settings import Role, Settings
from orchestration import automation
from orchestration.execution import failures
from orchestration.market.assets import CANDLES_DAILY

POSITION_VALUES = dg.AssetKey(["portfolios", "position_values_daily"])
EXCHANGE_RATES = dg.AssetKey(["market", "exchange_rates"])
_OPTIONS = "-c search_path=app,market,model,jobs,public -c timezone=UTC"


@dg.asset(
    key=EXCHANGE_RATES,
    group_name="market",
    owners=["team:data"],
    kinds={"python", "postgres"},
    retry_policy=failures.PATIENT,
    freshness_policy=automation.daily_after_close(),
)
@failures.classified()
def exchange_rates(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """Reference rates of the European Central Bank, or of the file that stands in where it does not answer.

    Without either, days without a rate have that of a dated set of the bank's (`rate_seed`), which a simulated market
    carries on from; else amounts stay at the last rate, and a check says so. All that needs no rates goes on.
    """
    try:
        with httpx2.Client() as client:
            rates = reference_rates.bring(
                client, settings.exchange_rates_url, settings.exchange_rates_file
            )
    except (Unavailable, UnreadableFile) as error:
        context.log.warning("No new exchange rates: %s", error)
        with database.connection() as conn:
            return _described(
                conn,
                reference_rate_seed.store(conn, clock().date()),
                reference_rate_seed.SEED,
                str(error),
            )
    with database.connection() as conn:
        written = reference_rates.store(conn, rates.rates)
        return _described(conn, written, rates.source, rates.problem or "none")


def _described(
    conn: psycopg.Connection, written: int, source: str, problem: str
) -> dg.MaterializeResult:
    newest = str(reference_rates.newest(conn))
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": written, "source": source, "newest": newest, "problem": problem
        }
    )  # fmt: skip


@dg.asset(
    key=POSITION_VALUES,
    deps=[CANDLES_DAILY, EXCHANGE_RATES],
    group_name="portfolios",
    owners=["team:data"],
    kinds={"python", "postgres"},
    retry_policy=failures.PATIENT,
    freshness_policy=automation.daily_after_close(),
)
@failures.classified()
def position_values_daily(
    settings: dg.ResourceParam[Settings], clock: dg.ResourceParam[Clock]
) -> dg.MaterializeResult:
    """What each portfolio was worth on each day, from the earliest day on whose close is new or corrected."""
    # Not of the pool: each user's step is a transaction of its own, so that nobody waits for another's rebuild.
    with psycopg.connect(
        settings.url_for(Role.PIPELINE), autocommit=True, options=_OPTIONS
    ) as conn:
        report = daily_update.update(conn, clock())
    return dg.MaterializeResult(
        metadata={
            "tokens_marked": report.tokens,
            "portfolios_marked": report.portfolios,
            "users": report.users,
            "steps": report.steps,
        }
    )
