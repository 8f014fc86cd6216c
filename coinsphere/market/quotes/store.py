"""Stores current prices in `market.quotes`: one row a token, replaced only by a newer valid one."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from psycopg import Connection

from coinsphere.market import origin as origins
from coinsphere.market.model import Loaded, Quote
from coinsphere.market.quality import quarantine, validation
from coinsphere.market.quality.quarantine import Rejected

_LAST_GOOD = """
    select token_id, price, observed_at from market.quotes
    where token_id = any(%(token_ids)s) and quality = 'ok'
"""
# Where the source does not tell the market cap it follows from the price and the last known supply.
_UPSERT = """
    insert into market.quotes as stored
        (token_id, price, volume_24h, market_cap, change_24h, source, observed_at)
    select
        t.id, %(price)s, %(volume_24h)s,
        coalesce(
            %(market_cap)s,
            case when %(price)s * m.circulating_supply < 1e20 then round(%(price)s * m.circulating_supply, 18) end
        ),
        %(change_24h)s, %(source)s, %(observed_at)s
    from market.tokens t
    left join market.token_metadata m on m.token_id = t.id
    where t.id = %(token_id)s
    on conflict (token_id) do update set
        price = excluded.price, volume_24h = excluded.volume_24h, market_cap = excluded.market_cap,
        change_24h = excluded.change_24h, source = excluded.source, quality = 'ok',
        observed_at = excluded.observed_at, ingested_at = now()
    where excluded.observed_at > stored.observed_at
        or (
            excluded.observed_at = stored.observed_at
            and (stored.price, stored.volume_24h, stored.market_cap, stored.change_24h)
                is distinct from
                (excluded.price, excluded.volume_24h, excluded.market_cap, excluded.change_24h)
        )
"""
_FOLLOW = "select market.follow_set_aside(%(now)s)"


def store(
    conn: Connection, quotes: Sequence[Quote], now: datetime, *, are_agreed: bool = False
) -> Loaded:
    """Store `quotes`; an invalid one goes to the quarantine, and the last good one stays with its age.

    Args:
        conn: a connection.
        quotes: at most one for each token.
        now: the instant past which nothing is known.
        are_agreed: whether a consensus has judged them already: then no jump is too large.

    Raises:
        ConfigurationError: the rows may not share a database with what is there, see `origin.refuse_mix`.
    """
    origin = origins.get(conn)
    last_good = {} if are_agreed else _last_good(conn, quotes)
    sound: list[Quote] = []
    rejected: list[Rejected] = []
    for quote in quotes:
        origins.refuse_mix(origin, quote.source)
        fault = validation.quote_fault(quote, last_good.get(quote.token_id), now)
        if fault is None:
            sound.append(quote)
        else:
            rejected.append(_rejected(quote, fault.reason))
    with conn.transaction(), conn.cursor() as cursor:
        quarantine.store(conn, rejected)
        # In one order, so that two who store at once wait for each other and not in a circle.
        ordered = sorted(sound, key=lambda quote: quote.token_id)
        cursor.executemany(_UPSERT, [_parameters(quote) for quote in ordered])
        written = max(cursor.rowcount, 0) if sound else 0
        # One that is the close of a candle which is set aside is used no more than that.
        cursor.execute(_FOLLOW, {"now": now})
    return Loaded(len(quotes), written, len(rejected))


def _last_good(conn: Connection, quotes: Sequence[Quote]) -> dict[UUID, tuple[Decimal, datetime]]:
    rows = conn.execute(_LAST_GOOD, {"token_ids": [quote.token_id for quote in quotes]})
    return {token_id: (price, observed_at) for token_id, price, observed_at in rows}


def _parameters(quote: Quote) -> dict[str, object]:
    return {
        "token_id": quote.token_id,
        "price": quote.price,
        "volume_24h": quote.volume_24h,
        "market_cap": quote.market_cap,
        "change_24h": quote.change_24h,
        "source": quote.source,
        "observed_at": quote.observed_at,
    }


def _rejected(quote: Quote, reason: str) -> Rejected:
    """Without the time of observation: a source that repeats the same nonsense is noted once."""
    return Rejected(
        quote.token_id,
        "quote",
        quote.source,
        reason,
        {
            "price": str(quote.price),
            "volume24h": None if quote.volume_24h is None else str(quote.volume_24h),
            "marketCap": None if quote.market_cap is None else str(quote.market_cap),
            "change24h": None if quote.change_24h is None else str(quote.change_24h),
        },
    )
