"""What the other venues said at the instant of a candle's close, and how far the close is from it."""

from typing import LiteralString

import numpy as np
import pandas as pd

from coinsphere.market.consensus.model import Rules
from expectations.frames.columns import logarithm

LEAST_VENUES = 2
"""Of one other venue nobody can tell which of the two is wrong."""
_RULES = Rules()
_BASIS_POINTS = 10_000

# The prices that had a vote in the first minute after the close, but for that of the candle's own venue: those of the first
# minute of each hour are kept for good. Within a day of a change of name or unit venues may quote either.
_TOLD: LiteralString = """
    left join lateral (
        select others.close as told_close, others.venues as told_venues, others.noise as told_noise,
            agreed.usual_move::float8 as usual_move
        from (
            select c.constituents, c.usual_move from market.consensus c
            where c.token_id = {candle}.token_id and c.valid_at >= {closed} and c.valid_at < {closed} + interval '1 minute'
                and c.agreed_at = c.valid_at and c.jump is null
            order by c.valid_at limit 1
        ) agreed
        cross join lateral (
            select count(*) as venues,
                percentile_cont(0.5) within group (order by (v ->> 'price')::float8) as close,
                percentile_cont(0.5) within group (order by (v ->> 'noise')::float8) as noise
            from jsonb_array_elements(agreed.constituents) v
            where (v ->> 'weight')::float8 > 0 and v ->> 'venue' <> {candle}.source
        ) others
        where {candle}.is_final and not exists (
            select from market.asset_events e
            where {candle}.token_id in (e.token_id, e.successor_id) and e.removed_at is null
                and e.happened_at between {closed} - interval '1 day' and {closed} + interval '1 day'
        )
    ) told on true
"""
COLUMNS: LiteralString = "told.told_close, coalesce(told.told_venues, 0) as told_venues, told.told_noise, told.usual_move"


def join(candle: LiteralString, width: LiteralString) -> LiteralString:
    """The join that gives `COLUMNS` for candles of `width`, an interval of SQL, under the alias `candle`."""
    closed = "(" + candle + ".opened_at + interval '" + width + "')"
    return _TOLD.replace("{candle}", candle).replace("{closed}", closed)


def gap(frame: pd.DataFrame) -> pd.Series:
    """How far each close is from the middle of the others', in units of what is allowed; null where nobody can tell.

    Allowed is what a venue may be away from the others by the rule of prices, more where these are usually further apart,
    and eight usual moves of a minute, which lie between the close and the next prices.

    Args:
        frame: `close`, and where they are known `told_close`, `told_venues`, `told_noise` (bp), `usual_move` (bp a minute).
    """
    if "told_close" not in frame:
        return pd.Series(np.nan, index=frame.index)
    tolerance = (_RULES.noises * frame["told_noise"]).clip(
        float(_RULES.tolerance), float(_RULES.pair_tolerance)
    )
    allowed = tolerance + _RULES.usual_moves * frame["usual_move"]
    distance = logarithm(frame["close"] / frame["told_close"]).abs() * _BASIS_POINTS
    return (distance / allowed).where(frame["told_venues"] >= LEAST_VENUES)
