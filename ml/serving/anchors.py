"""The price that an answer starts from."""

from datetime import datetime, timedelta

from psycopg import Connection

from coinsphere.market.model import Token
from ml.errors import ModelError
from ml.serving.responses import Anchor, Statement

# The newest good quote that was seen since the close, else the newest close; and what was stored of the same forecast.
_ANCHOR = """
    select quote.price, quote.observed_at, day.close, day.close_at, (
        select p.id from model.predictions p
        where p.token_id = %(token_id)s and p.origin_at = %(origin_at)s and p.horizon_days = %(horizon_days)s
          and p.model_name = %(model_name)s and p.model_version = %(model_version)s
    )
    from (select) as one
    left join market.quotes quote
      on quote.token_id = %(token_id)s and quote.quality = 'ok' and quote.observed_at > %(since)s
    left join lateral (
        select each.close, each.close_at
        from marts.ml_features_daily each
        where each.token_id = %(token_id)s and each.is_final and not each.is_filled
          and each.price_date >= (%(origin_at)s at time zone 'UTC')::date - 1
        order by each.price_date desc
        limit 1
    ) day on true
"""


def of(
    conn: Connection, token: Token, statement: Statement, now: datetime, stale_seconds: int
) -> Anchor:
    """The newest price that was seen since the forecast's close; and the stored forecast of the same version.

    Closes count, too: where days are missing, a model may go on to forecast from one that is weeks old.

    Args:
        conn: with quotes, closes and the prediction log.
        token: that is asked for.
        statement: what is to be anchored.
        now: quotes older than `stale_seconds` before it do not count.
        stale_seconds: see the setting `market_stale_seconds`.

    Raises:
        ModelError: even the close is gone.
    """
    parameters = {
        "token_id": token.id,
        "origin_at": statement.expected.origin_at,
        "horizon_days": statement.expected.horizon_days,
        "model_name": statement.version.name,
        "model_version": statement.version.number,
        "since": max(statement.expected.origin_at, now - timedelta(seconds=stale_seconds)),
    }
    row = conn.execute(_ANCHOR, parameters).fetchone()
    price, seen_at, close, closed_at, prediction_id = row or (None, None, None, None, None)
    if price is not None:
        return Anchor(price, seen_at, prediction_id)
    if close is None:
        raise ModelError(f"the close of {token.symbol} at {statement.expected.origin_at} is gone")
    return Anchor(close, closed_at, prediction_id)
