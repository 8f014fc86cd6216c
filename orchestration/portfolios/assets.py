"""The daily values of portfolios. A user's own changes are the worker's work; the new day is ours."""

import dagster as dg
import psycopg

from coinsphere.clock import Clock
from coinsphere.portfolio import daily
from coinsphere.settings import Role, Settings
from orchestration import automation, failures
from orchestration.market.assets import CANDLES_DAILY

POSITION_VALUES = dg.AssetKey(["portfolios", "position_values_daily"])
_OPTIONS = "-c search_path=app,market,model,jobs,public -c timezone=UTC"


@dg.asset(
    key=POSITION_VALUES,
    deps=[CANDLES_DAILY],
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
        done = daily.update(conn, clock())
    return dg.MaterializeResult(
        metadata={
            "tokens_marked": done.tokens,
            "portfolios_marked": done.portfolios,
            "users": done.users,
            "steps": done.steps,
        }
    )
