"""The state of the feed, as its process stores it and others read it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.market.model import Token

_FRESH = timedelta(seconds=90)
"""A minute and a half: a feed that stored no minute for so long leaves the tokens to who asks the venues."""
_BEAT = """
    insert into market.feed (started_at, beat_at) values (%(started_at)s, clock_timestamp())
    on conflict (is_only) do update set started_at = excluded.started_at, beat_at = excluded.beat_at
"""
_FORGET = "delete from market.feed_venues where venue <> all(%(venues)s)"
_VENUE = """
    insert into market.feed_venues (venue, state, since, reason, heard_at, updates, breaks, gaps)
    values (%(venue)s, %(state)s, %(since)s, %(reason)s, %(heard_at)s, %(updates)s, %(breaks)s, %(gaps)s)
    on conflict (venue) do update set
        state = excluded.state, since = excluded.since, reason = excluded.reason, heard_at = excluded.heard_at,
        updates = excluded.updates, breaks = excluded.breaks, gaps = excluded.gaps
"""
_SETTLED = "update market.feed set settled_at = %(now)s, token_ids = %(token_ids)s"
_FED = "select unnest(token_ids) from market.feed where settled_at > %(since)s"
_FEED = "select started_at, beat_at, settled_at, cardinality(token_ids) as tokens from market.feed"
_VENUES = """
    select venue, state, since, heard_at, reason, updates, breaks, gaps from market.feed_venues order by venue
"""

State = Literal["starting", "streaming", "polling"]


@dataclass(slots=True)
class VenueState:
    """The state of a venue's stream; `updates`, `breaks` and `gaps` count since the process started."""

    venue: str
    state: State
    since: datetime
    heard_at: datetime | None = None
    reason: str | None = None
    updates: int = 0
    breaks: int = 0
    gaps: int = 0

    def become(self, state: State, now: datetime, reason: str | None) -> None:
        """Note a state, from when on it is, and why."""
        if state != self.state:
            self.state, self.since = state, now
        self.reason = reason and reason[:300]


@dataclass(frozen=True, slots=True)
class FeedState:
    """The state of the process: its last heartbeat, the last minute it stored, and for how many tokens."""

    started_at: datetime
    beat_at: datetime
    settled_at: datetime | None
    tokens: int


def beat(conn: Connection, started_at: datetime, venues: Sequence[VenueState]) -> None:
    """Store that the feed lives, and the state of each venue."""
    conn.execute(_BEAT, {"started_at": started_at})
    conn.execute(_FORGET, {"venues": [each.venue for each in venues]})
    conn.cursor().executemany(_VENUE, [asdict(each) for each in venues])


def settled(conn: Connection, now: datetime, token_ids: Sequence[UUID]) -> None:
    """Store for which tokens the minute's prices were written."""
    conn.execute(_SETTLED, {"now": now, "token_ids": list(token_ids)})


def fed(conn: Connection, now: datetime) -> set[UUID]:
    """The tokens whose price the feed keeps; none where it does not run."""
    return {row[0] for row in conn.execute(_FED, {"since": now - _FRESH})}


def left_by(conn: Connection, followed: Sequence[Token], now: datetime) -> list[Token]:
    """The tokens that must be polled, as the feed has no price of them, with the quote currencies."""
    kept = fed(conn, now)
    conn.commit()
    if kept.issuperset(token.id for token in followed):
        return []
    return [token for token in followed if token.id not in kept or token.peg_usd is not None]


def feed(conn: Connection) -> FeedState | None:
    """The state of the process; None where it never ran."""
    return conn.cursor(row_factory=class_row(FeedState)).execute(_FEED).fetchone()


def venues(conn: Connection) -> list[VenueState]:
    """The state of each venue."""
    return conn.cursor(row_factory=class_row(VenueState)).execute(_VENUES).fetchall()
