"""Revisions of final candles: the values before and after, when, by whom and why."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

# What comes behind a revision is the next one of the same candle, else what stands there now, if anything does.
_LIST = """
    select
        t.symbol, r.interval, r.opened_at, r.source, r.close as was, r.quality as was_judged,
        case when n.id is null then p.close else n.close end as became,
        case when n.id is null then p.quality else n.quality end as became_judged,
        r.believed_from, r.believed_until, r.revised_by, r.reason
    from market.price_revisions r
    join market.tokens t on t.id = r.token_id
    left join lateral (
        select id, close, quality from market.price_revisions next
        where next.token_id = r.token_id and next.interval = r.interval and next.opened_at = r.opened_at
            and next.id > r.id
        order by next.id limit 1
    ) n on true
    left join market.price_data p
        on p.token_id = r.token_id and p.interval = r.interval and p.opened_at = r.opened_at
    where (%(token_id)s::uuid is null or r.token_id = %(token_id)s)
        and (%(since)s::timestamptz is null or r.believed_until >= %(since)s)
    order by r.believed_until desc, r.id desc
    limit %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Revision:
    """A final candle that was changed or removed. Closes in US dollars; `became` is None where it was removed."""

    symbol: str
    interval: str
    opened_at: datetime
    source: str
    was: Decimal
    was_judged: str
    became: Decimal | None
    became_judged: str | None
    believed_from: datetime
    believed_until: datetime
    revised_by: str | None
    reason: str | None


def listed(
    conn: Connection,
    limit: int,
    *,
    token_id: UUID | None = None,
    since: datetime | None = None,
) -> list[Revision]:
    """The newest revisions, of one token or of all."""
    parameters = {"token_id": token_id, "since": since, "limit": limit}
    return conn.cursor(row_factory=class_row(Revision)).execute(_LIST, parameters).fetchall()
