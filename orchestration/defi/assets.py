"""DeFi protocols as an asset: what lies in them and what they yield, told by DefiLlama."""

import dagster as dg

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.market import origin
from coinsphere.settings import Settings
from orchestration import automation, failures

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
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """Value locked in each protocol and the yields of its largest pools; what is not believed keeps its last value.

    In a database of simulated prices nothing is fetched: real and simulated figures never stand side by side.
    """
    from coinsphere.defi import defillama
    from coinsphere.wallets import outbound

    with database.connection() as conn:
        decided = origin.get(conn)
    if decided is not None and decided.is_simulated:
        return dg.MaterializeResult(metadata={"skipped": "the market is simulated"})
    with outbound.client(is_private_allowed=settings.wallet_private_networks) as http:
        found = defillama.fetch(http, settings.defillama_url, settings.defillama_yields_url)
    with database.connection() as conn:
        report = defillama.store(conn, found, clock())
    refused = "\n".join(f"- {each}" for each in report.refused[:100]) or "none"
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": report.protocols,
            "pools": report.pools,
            "refused": dg.MetadataValue.md(refused),
        }
    )
