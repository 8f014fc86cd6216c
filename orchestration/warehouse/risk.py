"""Publishing risk scores: the mart knows today's, the table keeps what was said on each day."""

from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection

_PUBLISH = """
    insert into market.risk_scores as kept
        (token_id, day, overall_score, risk_level, volatility_score, drawdown_score, tail_score, liquidity_score,
         market_cap_score, volume_score, annual_volatility, price_source, computed_at)
    select
        token_id, as_of, overall_score, risk_level, volatility_score, drawdown_score, tail_score, liquidity_score,
        market_cap_score, volume_score, annual_volatility, price_source, %(now)s
    from marts.fct_risk_scores
    where overall_score between 0 and 100 and annual_volatility >= 0
    on conflict (token_id, day) do update set
        overall_score = excluded.overall_score,
        risk_level = excluded.risk_level,
        volatility_score = excluded.volatility_score,
        drawdown_score = excluded.drawdown_score,
        tail_score = excluded.tail_score,
        liquidity_score = excluded.liquidity_score,
        market_cap_score = excluded.market_cap_score,
        volume_score = excluded.volume_score,
        annual_volatility = excluded.annual_volatility,
        price_source = excluded.price_source,
        computed_at = excluded.computed_at
    where (kept.overall_score, kept.risk_level, kept.volatility_score, kept.drawdown_score, kept.tail_score,
           kept.liquidity_score, kept.market_cap_score, kept.volume_score, kept.annual_volatility, kept.price_source)
        is distinct from
          (excluded.overall_score, excluded.risk_level, excluded.volatility_score, excluded.drawdown_score,
           excluded.tail_score, excluded.liquidity_score, excluded.market_cap_score, excluded.volume_score,
           excluded.annual_volatility, excluded.price_source)
"""
_REFUSED = """
    select t.symbol from marts.fct_risk_scores s
    join market.tokens t on t.id = s.token_id
    where (s.overall_score between 0 and 100 and s.annual_volatility >= 0) is not true
    order by t.symbol
"""
_COUNT = "select count(*) from market.risk_scores"


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did: rows inserted or changed, rows that the table holds now, symbols whose score is none."""

    written: int
    total: int
    refused: tuple[str, ...]


def publish(conn: Connection, now: datetime) -> Published:
    """Copy the scores of `marts.fct_risk_scores` into `market.risk_scores`; unchanged rows are left alone.

    A score that cannot be is left out, and the token keeps its last one: no other token waits for it.
    """
    written = conn.execute(_PUBLISH, {"now": now}).rowcount
    (total,) = conn.execute(_COUNT).fetchone() or (0,)
    refused = tuple(symbol for (symbol,) in conn.execute(_REFUSED))
    return Published(written, total, refused)
