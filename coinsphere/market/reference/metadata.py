"""Stores slowly changing facts of tokens in `market.token_metadata`; a fact that a source lacks keeps its last value."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal

from psycopg import Connection

from coinsphere.market import origin as origins
from coinsphere.market.model import Loaded, Metadata
from coinsphere.market.quality import quarantine, validation
from coinsphere.market.quality.quarantine import Rejected

_UPSERT = """
    insert into market.token_metadata as stored
        (token_id, market_cap_rank, circulating_supply, total_supply, max_supply, all_time_high, all_time_high_at,
         all_time_low, all_time_low_at, source, observed_at)
    values
        (%(token_id)s, %(market_cap_rank)s, %(circulating_supply)s, %(total_supply)s, %(max_supply)s,
         %(all_time_high)s, %(all_time_high_at)s, %(all_time_low)s, %(all_time_low_at)s, %(source)s, %(observed_at)s)
    on conflict (token_id) do update set
        market_cap_rank = coalesce(excluded.market_cap_rank, stored.market_cap_rank),
        circulating_supply = coalesce(excluded.circulating_supply, stored.circulating_supply),
        total_supply = coalesce(excluded.total_supply, stored.total_supply),
        max_supply = coalesce(excluded.max_supply, stored.max_supply),
        all_time_high = coalesce(excluded.all_time_high, stored.all_time_high),
        all_time_high_at = coalesce(excluded.all_time_high_at, stored.all_time_high_at),
        all_time_low = coalesce(excluded.all_time_low, stored.all_time_low),
        all_time_low_at = coalesce(excluded.all_time_low_at, stored.all_time_low_at),
        source = excluded.source, observed_at = excluded.observed_at, ingested_at = now()
    where excluded.observed_at > stored.observed_at
"""
_LOGO = """
    update market.tokens set logo_url = %(logo_url)s
    where id = %(token_id)s and logo_url is distinct from %(logo_url)s and %(logo_url)s::text is not null
"""
_LAST_RANK = 1_000_000
_COUNTS = ("circulating_supply", "total_supply", "max_supply")
_PRICES = ("all_time_high", "all_time_low")


def store(conn: Connection, metadata: Sequence[Metadata], now: datetime) -> Loaded:
    """Store `metadata`; an invalid row goes to the quarantine as a whole.

    Raises:
        ConfigurationError: the rows may not share a database with what is there, see `origin.refuse_mix`.
    """
    origin = origins.get(conn)
    sound: list[dict[str, object]] = []
    rejected: list[Rejected] = []
    for row in metadata:
        origins.refuse_mix(origin, row.source)
        reason = _fault(row, now)
        if reason is None:
            sound.append(asdict(row))
        else:
            rejected.append(_rejected(row, reason))
    with conn.transaction(), conn.cursor() as cursor:
        quarantine.store(conn, rejected)
        cursor.executemany(_LOGO, sound)
        cursor.executemany(_UPSERT, sound)
        written = max(cursor.rowcount, 0) if sound else 0
    return Loaded(len(metadata), written, len(rejected))


def _fault(row: Metadata, now: datetime) -> str | None:
    if row.market_cap_rank is not None and not 1 <= row.market_cap_rank <= _LAST_RANK:
        return f"market_cap_rank is not between 1 and {_LAST_RANK}"
    for name in (*_COUNTS, *_PRICES):
        value: Decimal | None = getattr(row, name)
        if value is None:
            continue
        if not validation.fits(value):
            return f"{name} is not a number that numeric(38,18) holds"
        if value < 0 or (name in _PRICES and value == 0):
            return f"{name} is {'zero' if value == 0 else 'negative'}"
    for moment in (row.all_time_high_at, row.all_time_low_at, row.observed_at):
        if moment is not None and moment > now + validation.CLOCK_SKEW:
            return "a time lies in the future"
    return None


def _rejected(row: Metadata, reason: str) -> Rejected:
    names = ("market_cap_rank", *_COUNTS, *_PRICES, "all_time_high_at", "all_time_low_at")
    values = {name: getattr(row, name) for name in names}
    return Rejected(
        row.token_id,
        "metadata",
        row.source,
        reason,
        {name: None if value is None else str(value) for name, value in values.items()},
    )
