"""Computes prices from venues' quotes: each minute's are stored with their constituents, those between as quotes alone.

Between two minutes the rule is asked what the running minute would be if it ended now. So its fold goes by minutes as it
does without a feed: what is usual, who is barred, and a jump that waits for the next minute's word.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from psycopg import Connection

from coinsphere.market.consensus import store, venues
from coinsphere.market.consensus.model import Asset, Consensus, Rules, VenueQuote
from coinsphere.market.feed import states
from coinsphere.market.model import Token

_MINUTE = timedelta(minutes=1)


class Prices:
    """The prices of some tokens.

    Args:
        tokens: that are followed.
        rules: of the consensus.
    """

    def __init__(self, tokens: Sequence[Token], rules: Rules) -> None:
        self._tokens, self._rules = tokens, rules
        self._before: Mapping[Asset, Consensus] = {}
        self._minute: datetime | None = None
        self.currencies = venues.currencies(tokens)

    def is_minute_over(self, now: datetime) -> bool:
        """Whether a minute has ended, so that the next prices are its consensus."""
        return self._minute is None or now >= self._minute + _MINUTE

    def settle(self, conn: Connection, quotes: Sequence[VenueQuote], now: datetime) -> int:
        """Store the minute's consensus from all venues. Returns how many quotes were written."""
        update = store.settle(conn, store.SOURCE, self._tokens, quotes, now, self._rules)
        new = [token.id for token in self._tokens if _is_new(update.agreed.get(token.id))]
        states.settled(conn, now, new)
        self._before, self._minute = update.agreed, now.replace(second=0, microsecond=0)
        return update.loaded.written

    def refresh(self, conn: Connection, quotes: Sequence[VenueQuote], now: datetime) -> int:
        """Store quotes that follow from news of some tokens and all currencies. Returns how many were written."""
        before = {
            asset: self._before[asset]
            for asset in {quote.asset for quote in quotes}
            if asset in self._before
        }
        return store.refresh(conn, self.currencies, quotes, before, now, self._rules).written


def _is_new(consensus: Consensus | None) -> bool:
    return consensus is not None and consensus.is_new
