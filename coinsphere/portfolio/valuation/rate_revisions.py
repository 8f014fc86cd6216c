"""Revisions of exchange rates: the rates before and after, when, by whom and why."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from psycopg import Connection
from psycopg.rows import class_row

# What comes behind a revision is the next one of the same rate, else what stands there now, if anything does.
_LIST = """
    select
        r.currency, r.day, r.source, r.per_euro as was,
        case when n.id is null then x.per_euro else n.per_euro end as became,
        r.believed_from, r.believed_until, r.revised_by, r.reason
    from market.rate_revisions r
    left join lateral (
        select id, per_euro from market.rate_revisions next
        where next.currency = r.currency and next.day = r.day and next.id > r.id
        order by next.id limit 1
    ) n on true
    left join market.exchange_rates x on x.currency = r.currency and x.day = r.day
    where (%(currency)s::text is null or r.currency = %(currency)s) and r.believed_until >= %(since)s
    order by r.believed_until desc, r.id desc
    limit %(limit)s
"""


@dataclass(frozen=True, slots=True)
class RateRevision:
    """A rate that was replaced: units of `currency` for one euro; `became` is None where it was removed."""

    currency: str
    day: date
    source: str
    was: Decimal
    became: Decimal | None
    believed_from: datetime
    believed_until: datetime
    revised_by: str
    reason: str


def listed(
    conn: Connection, limit: int, *, since: datetime, currency: str | None = None
) -> list[RateRevision]:
    """The newest revisions since then, of one currency or of all."""
    parameters = {"currency": currency, "since": since, "limit": limit}
    return conn.cursor(row_factory=class_row(RateRevision)).execute(_LIST, parameters).fetchall()
