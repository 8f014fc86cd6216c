"""Tickers that passed from one coin to another: the time of a candle decides which coin it is of."""

from psycopg import Connection

from coinsphere.market import origin
from coinsphere.market.model import Candle
from coinsphere.market.quality.validation import Fault

OTHER_COIN = Fault("date", "is of another coin that had, or has, the symbol at that time")
_BY_ID = frozenset((origin.SIMULATED, "coingecko"))
"""Sources that name a token by more than its symbol."""

# Since when and until when each token has a symbol that another coin had before, or has since.
_REUSED = """
    select token_id, max(since), min(until)
    from (
        select successor_id as token_id, happened_at as since, null::timestamptz as until
        from market.asset_events where kind = 'ticker_reuse' and removed_at is null
        union all
        select token_id, null, happened_at from market.asset_events where kind = 'ticker_reuse' and removed_at is null
    ) as ends
    group by token_id
"""


class ReusedTickers:
    """The spans of time in which a token's symbol belonged to another coin."""

    def __init__(self, conn: Connection) -> None:
        """Of all events that count."""
        self._spans = {row[0]: row[1:] for row in conn.execute(_REUSED)}

    def is_of_other_coin(self, candle: Candle) -> bool:
        """Whether a candle's source goes by symbols, and the symbol was another coin's in any part of the candle's time."""
        if candle.token_id not in self._spans or candle.source in _BY_ID:
            return False
        since, until = self._spans[candle.token_id]
        closed_at = candle.opened_at + candle.interval.duration
        return (since is not None and candle.opened_at < since) or (
            until is not None and closed_at > until
        )
