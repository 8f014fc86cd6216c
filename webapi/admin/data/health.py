"""The quality of market data, for the route and the page alike."""

from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from psycopg import Connection

from coinsphere.market.quality import health
from coinsphere.market.quality.health import Followed, TokenDay, VenueDay, Window
from webapi.admin.data import schemas
from webapi.http import cursor
from webapi.services import services
from webapi.tokens import symbols


@dataclass(frozen=True, slots=True)
class TokenHealth:
    """The days of a token, oldest first."""

    token_id: UUID
    symbol: str
    days: list[TokenDay]


@dataclass(frozen=True, slots=True)
class VenueHealth:
    """The days of a venue, oldest first."""

    venue: str
    days: list[VenueDay]


@dataclass(frozen=True, slots=True)
class DataHealth:
    """The quality of tokens and venues at `timestamp`."""

    since: date
    until: date
    tokens: list[TokenHealth]
    venues: list[VenueHealth]
    next_cursor: str | None
    timestamp: datetime


def looked_at(query: schemas.HealthQuery) -> DataHealth:
    """The quality of a page of tokens and of their venues. Raises `errors.Problem`: 400, a bad cursor; 404, no such token."""
    work = services()
    now = work.clock()
    window = Window.of(query.days, now)
    with work.database.connection() as conn:
        shown, following = _page(conn, query)
        by_token = health.of_tokens(conn, shown, window, now)
        by_venue = health.of_venues(conn, shown, window, now)
    return DataHealth(
        *window,
        [
            TokenHealth(*key, list(days))
            for key, days in groupby(by_token, attrgetter("token_id", "symbol"))
        ],
        [VenueHealth(venue, list(days)) for venue, days in groupby(by_venue, attrgetter("venue"))],
        following,
        now,
    )


def _page(conn: Connection, query: schemas.HealthQuery) -> tuple[list[Followed], str | None]:
    """The tokens to tell of, and the cursor behind them where there are more."""
    token_id = symbols.find(conn, query.symbol).id if query.symbol else None
    after = None if query.cursor is None else _after(query.cursor)
    tokens = health.followed(conn, query.limit + 1, token_id=token_id, after=after)
    shown = tokens[: query.limit]
    more = len(tokens) > len(shown)
    return shown, cursor.encode([shown[-1].symbol, str(shown[-1].id)]) if more else None


def _after(text: str) -> Followed:
    symbol, token_id = cursor.decode(text, 2)
    try:
        return Followed(UUID(token_id), str(symbol))
    except (ValueError, TypeError, AttributeError):
        raise cursor.refused() from None
