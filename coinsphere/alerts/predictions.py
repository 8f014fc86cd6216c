"""Reads what one-day forecasts predict at an instant against the price beside them, as the API would answer then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.market import anchoring

# The price is the newest good quote since the close, else the close itself, as in the model server's answer. Where a check
# has set the token or its newest forecast aside, the API answers nothing, so nothing is compared.
_STANDING = """
    with newest as (
        select distinct on (token_id)
            token_id, origin_at, horizon_days, reference_price, model_name || ' ' || model_version as source,
            coalesce(location, ln(median / reference_price)::float8) as centre
        from model.predictions
        where horizon_days = 1 and target_at > %(now)s and issued_at <= %(now)s and not is_shadow and not is_backfill
        order by token_id, origin_at desc, issued_at desc
    )
    select newest.*, quote.price, quote.observed_at
    from newest
    left join market.quotes quote
        on quote.token_id = newest.token_id and quote.quality = 'ok' and quote.observed_at <= %(now)s
        and quote.observed_at > greatest(newest.origin_at, %(now)s - %(stale_after)s)
    where not exists (
        select from market.set_aside s
        where s.token_id = newest.token_id and s.state = 'held'
            and (s.scope = 'token' or (s.scope = 'forecast' and s.about = newest.origin_at))
    )
"""


@dataclass(frozen=True, slots=True)
class _Standing:
    """A stored forecast that lies ahead, and the price beside it; `centre` is the log return of its median."""

    token_id: UUID
    origin_at: datetime
    horizon_days: int
    reference_price: Decimal
    source: str
    centre: float
    price: Decimal | None
    observed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Anchored:
    """The change in percent that a forecast expects from the price it is anchored at."""

    token_id: UUID
    change: Decimal
    source: str
    anchored_at: datetime


def anchored(conn: Connection, now: datetime, stale_after: timedelta) -> list[Anchored]:
    """The newest one-day forecast of each token that has one, anchored at its price; read by one statement."""
    cursor = conn.cursor(row_factory=class_row(_Standing))
    parameters = {"now": now, "stale_after": stale_after}
    return [_anchor(row) for row in cursor.execute(_STANDING, parameters)]


def columns(rows: Sequence[Anchored]) -> dict[str, list[Any]]:
    """The rows as one array a column, as a statement takes them."""
    return {
        "token_ids": [each.token_id for each in rows],
        "changes": [each.change for each in rows],
        "sources": [each.source for each in rows],
        "anchored_at": [each.anchored_at for each in rows],
    }


def _anchor(row: _Standing) -> Anchored:
    if row.price is None or row.observed_at is None:
        current, seen_at = row.reference_price, row.origin_at
    else:
        current, seen_at = row.price, row.observed_at
    start = anchoring.horizon_start(row.origin_at, seen_at)
    share = anchoring.share_left(start, timedelta(days=row.horizon_days), seen_at)
    median = anchoring.price(current, row.centre * share)
    return Anchored(row.token_id, anchoring.change_percent(median, current), row.source, seen_at)
