"""Market data as assets: what was fetched, from where, and how much of it was good."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import LiteralString

import dagster as dg
from psycopg import Connection

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.market import ingest
from coinsphere.market.consensus.model import Rules
from coinsphere.market.feed import states as feed
from coinsphere.market.model import Interval, MarketDataSource, Token
from coinsphere.market.reference import tokens
from coinsphere.settings import Settings
from orchestration import automation
from orchestration.execution import failures
from orchestration.market import counts, health
from orchestration.partitions import DAYS

TOKENS = dg.AssetKey(["market", "tokens"])
QUOTES = dg.AssetKey(["market", "quotes"])
CANDLES_DAILY = dg.AssetKey(["market", "candles_daily"])
CANDLES_HOURLY = dg.AssetKey(["market", "candles_hourly"])
TOKEN_METADATA = dg.AssetKey(["market", "token_metadata"])

Fetch = Callable[[Connection, list[Token]], ingest.IngestionReport]

token_list = dg.AssetSpec(
    TOKENS,
    description="The tokens that are followed. Seeded by `coinsphere db seed`, extended through the API.",
    group_name="market",
    owners=["team:data"],
    kinds={"postgres"},
)


@dg.asset(
    key=QUOTES,
    deps=[TOKENS],
    group_name="market",
    owners=["team:data"],
    kinds={"python", "postgres"},
    pool="quotes",  # not that of the candles, whose minutes of fetching would make the alerts wait
    retry_policy=failures.HASTY,
    freshness_policy=automation.hourly_or_late(),
)
@failures.classified()
def quotes(
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    source: dg.ResourceParam[MarketDataSource],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """The price of each token that the venues agree on; one that none can be believed of keeps its last, with its age.

    The hour's run makes and checks it. Each minute's refresh is an observation, which leaves the checks as they are. Of a
    live market the feed stores each minute; the venues are asked for what it has no price of, and for all while it is away.
    """
    return dg.MaterializeResult(metadata=refresh_quotes(settings, database, source, clock))


def refresh_quotes(
    settings: Settings, database: Database, source: MarketDataSource, clock: Clock
) -> dict[str, dg.MetadataValue]:
    """Fetch and store quotes. Returns what came of it, for the catalogue.

    Raises:
        RateLimited: nothing could be fetched, and it may pass.
        Unavailable: the same.
    """
    rules = Rules(quorum=settings.market_quorum)
    report = _fetch(
        database,
        lambda conn, all_: ingest.refresh_quotes(
            conn, source, feed.left_by(conn, all_, clock()), clock(), rules
        ),
    )
    return _facts(report, database, counts.QUOTES)


@dg.asset(
    key=TOKEN_METADATA,
    deps=[TOKENS],
    group_name="market",
    owners=["team:data"],
    kinds={"python", "postgres"},
    pool="coingecko",
    retry_policy=failures.PATIENT,
    freshness_policy=automation.daily_after_close(),
)
@failures.classified()
def token_metadata(
    database: dg.ResourceParam[Database],
    source: dg.ResourceParam[MarketDataSource],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """Supply, rank, logo and all-time extremes of each token; unknown where the source does not tell."""
    report = _fetch(
        database, lambda conn, all_: ingest.refresh_metadata(conn, source, all_, clock())
    )
    return dg.MaterializeResult(metadata=_facts(report, database, counts.METADATA))


class DailyReach(dg.Config):
    """What is asked for beside the run's own days."""

    fill_gaps: bool = False
    """Ask again for every day that is missing between a token's first and last candle; the daily job does."""


@dg.asset(
    key=CANDLES_DAILY,
    deps=[TOKENS],
    group_name="market",
    owners=["team:data"],
    kinds={"python", "postgres"},
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool="exchange",
    retry_policy=failures.PATIENT,
    freshness_policy=automation.hourly_or_late(),
)
@failures.classified()
def candles_daily(
    context: dg.AssetExecutionContext,
    config: DailyReach,
    database: dg.ResourceParam[Database],
    source: dg.ResourceParam[MarketDataSource],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """Daily OHLCV candles in US dollars; today's is unfinished and says so.

    Fetching a day again changes nothing unless the source corrected it; the old values stay in
    `market.price_revisions`.
    """
    window, now = context.partition_time_window, clock()
    report = _fetch_candles(database, source, Interval.DAY, (window.start, window.end), now)
    facts = _facts(report, database, counts.DAILY)
    if config.fill_gaps:
        facts["gap_rows_written"] = _fill_gaps(database, source, Interval.DAY, now)
    # On the newest day only: what stands on all of them is stored once for each of a thousand partitions.
    context.add_asset_metadata(facts, partition_key=context.partition_key_range.end)
    return dg.MaterializeResult()


class HourlyReach(dg.Config):
    """How far back hourly candles are fetched."""

    days: int | None = None
    """None reaches back to the last run and a day more, the first time as far as the settings say."""
    fill_gaps: bool = False
    """Ask again for every hour that is missing between a token's first and last candle; the daily job does."""


@dg.asset(
    key=CANDLES_HOURLY,
    deps=[TOKENS],
    group_name="market",
    owners=["team:data"],
    kinds={"python", "postgres"},
    pool="exchange",
    retry_policy=failures.PATIENT,
    freshness_policy=automation.hourly_or_late(),
)
@failures.classified()
def candles_hourly(
    config: HourlyReach,
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    source: dg.ResourceParam[MarketDataSource],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """Hourly OHLCV candles in US dollars, overlapping the last run by a day so that late corrections arrive."""
    now = clock()
    start = _hourly_start(database, now, config.days, settings.market_hourly_days)
    report = _fetch_candles(database, source, Interval.HOUR, (start, now), now)
    facts = _facts(report, database, counts.HOURLY)
    if config.fill_gaps:
        facts["gap_rows_written"] = _fill_gaps(database, source, Interval.HOUR, now)
    with database.connection() as conn:
        facts |= health.yesterday(conn, now)
    return dg.MaterializeResult(metadata=facts)


def _hourly_start(database: Database, now: datetime, asked: int | None, at_first: int) -> datetime:
    with database.connection() as conn:
        newest = counts.newest_hour(conn)
    if asked is not None or newest is None:
        return now - timedelta(days=asked or at_first)
    return max(min(newest, now) - timedelta(days=1), now - timedelta(days=at_first))


def _fill_gaps(
    database: Database, source: MarketDataSource, interval: Interval, now: datetime
) -> dg.MetadataValue:
    """Ask again for every missing candle; how many came."""
    filled = _fetch(
        database, lambda conn, all_: ingest.backfill_gaps(conn, source, all_, interval, now)
    )
    return dg.MetadataValue.int(filled.written)


def _fetch_candles(
    database: Database,
    source: MarketDataSource,
    interval: Interval,
    window: tuple[datetime, datetime],
    now: datetime,
) -> ingest.IngestionReport:
    """Fetch the candles that open in `window`, its end excluded."""
    return _fetch(
        database,
        lambda conn, all_: ingest.refresh_candles(conn, source, all_, interval, *window, now),
    )


def _fetch(database: Database, fetch: Fetch) -> ingest.IngestionReport:
    with database.connection() as conn:
        followed = tokens.active(conn)
        conn.commit()  # no transaction stays open while a provider thinks
        return fetch(conn, followed)


def _facts(
    report: ingest.IngestionReport, database: Database, count: LiteralString
) -> dict[str, dg.MetadataValue]:
    """What one looks for after an ingestion: how much came, what was refused, what the table holds now."""
    with database.connection() as conn:
        total = counts.rows(conn, count)
    return {
        "dagster/row_count": dg.MetadataValue.int(total),
        "source": dg.MetadataValue.text(report.source),
        "rows_received": dg.MetadataValue.int(report.received),
        "rows_written": dg.MetadataValue.int(report.written),
        "rows_quarantined": dg.MetadataValue.int(report.quarantined),
        "errors": dg.MetadataValue.md("\n".join(f"- {error}" for error in report.errors) or "none"),
    }
