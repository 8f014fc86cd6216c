"""DeFi protocols as an asset: what lies in them and what they yield, told by DefiLlama."""

from datetime import datetime
from typing import TYPE_CHECKING

import dagster as dg

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.market import origin
from coinsphere.settings import Settings
from orchestration import automation
from orchestration.execution import failures

if TYPE_CHECKING:
    from coinsphere.defi.defillama import Snapshot

GOES_ON = "coinsphere/goes-on"
"""A tag of runs in which what no source tells is said and left out; elsewhere the step fails, and is tried again."""
PROTOCOLS = dg.AssetKey(["defi", "protocols"])


@dg.asset(
    key=PROTOCOLS,
    group_name="defi",
    owners=["team:data"],
    kinds={"python", "postgres"},
    pool="defillama",
    retry_policy=failures.PATIENT,
    freshness_policy=automation.daily_after_close(),
)
@failures.classified()
def protocols(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """Value locked in each protocol and the yields of its largest pools; what is not believed keeps its last value.

    In a database of simulated prices the figures are simulated too, and say so: real and simulated ones never stand
    side by side. Where DefiLlama does not answer, each protocol says why it has no newer figures, and the run fails;
    one that makes everything for the first time goes on without.
    """
    from coinsphere.defi import defillama, simulated
    from coinsphere.errors import ProviderError

    with database.connection() as conn:
        decided = origin.get(conn)
    if decided is not None and decided.seed is not None:
        return _stored(database, simulated.snapshot(decided.seed, clock()), clock())
    try:
        snapshot = _fetched(settings)
    except ProviderError as error:
        with database.connection() as conn:
            defillama.note_absence(conn, error)
        if GOES_ON not in context.run.tags:
            raise
        context.log.warning("DefiLlama does not tell of protocols: %s", error)
        return dg.MaterializeResult(metadata={"dagster/row_count": 0, "problem": str(error)})
    result = _stored(database, snapshot, clock())
    if snapshot.missing is not None and GOES_ON not in context.run.tags:
        raise snapshot.missing
    return result


def _fetched(settings: Settings) -> "Snapshot":
    from coinsphere.defi import defillama
    from coinsphere.network import outbound

    with outbound.client(is_private_allowed=settings.wallet_private_networks) as http:
        return defillama.fetch(http, settings.defillama_url, settings.defillama_yields_url)


def _stored(database: Database, snapshot: "Snapshot", now: datetime) -> dg.MaterializeResult:
    from coinsphere.defi import defillama

    with database.connection() as conn:
        report = defillama.store(conn, snapshot, now)
    refused = "\n".join(f"- {each}" for each in report.refused[:100]) or "none"
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": report.protocols,
            "pools": report.pools,
            "source": snapshot.source,
            "problem": str(snapshot.missing or "none"),
            "refused": dg.MetadataValue.md(refused),
        }
    )
