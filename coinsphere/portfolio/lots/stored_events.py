"""Asset events from the database, and their effect on a user's book: conversions, and lots carried over."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import Connection

from coinsphere.market.reference.asset_events import Ratio
from coinsphere.portfolio.lots import conversions, facts_known
from coinsphere.portfolio.lots.book_records import BookRecords, Carried, CarriedLot, Conversion
from coinsphere.portfolio.model import Fact

_EVENTS = """
    select id, kind, token_id, successor_id, old_units, new_units, happened_at
    from market.asset_events
    where %(token_id)s in (token_id, successor_id) and kind in ('rename', 'swap', 'split', 'redenomination')
        and (successor_id is not null or kind = 'redenomination')
        and recorded_at <= %(as_of)s and (removed_at is null or removed_at > %(as_of)s)
        and happened_at <= least(clock_timestamp(), %(as_of)s::timestamptz)
"""
# Records that go on in the former token after the event show that it was converted later.
_LAST_FACTS = """
    select p.id, (
        select max(t.occurred_at) from app.transactions t
        where t.user_id = %(user_id)s and t.portfolio_id = p.id and t.superseded_at is null
            and %(token_id)s in (t.token_id, t.fee_token_id, t.counter_token_id)
    )
    from app.portfolios p
    where p.user_id = %(user_id)s
"""
_LAST_FACTS_KNOWN = facts_known.as_known(_LAST_FACTS)
# Uses in the former tokens' books, by an event or by the user's own exchange of the two.
_CARRIED = """
    select u.fact_id, u.used_at, u.portfolio_id, u.account, u.quantity, u.cost, l.acquired_at,
        coalesce(e.old_units, t.amount),
        coalesce(e.new_units, t.counter_amount - case when t.fee_token_id = t.counter_token_id then coalesce(t.fee, 0) else 0 end)
    from app.lot_uses u
    left join app.lots l on l.user_id = u.user_id and l.token_id = u.token_id and l.number = u.lot_number
    left join market.asset_events e on e.id = u.fact_id
    left join app.transactions t on t.fact_id = u.fact_id and t.superseded_at is null
    where u.user_id = %(user_id)s and u.token_id = any(%(former)s) and u.kind = 'conversion' and u.used_at >= %(since)s
        and coalesce(e.successor_id, t.counter_token_id) = %(token_id)s
    order by u.used_at, u.token_id, u.number
"""
# What was held of a chain's token when it split.
_HELD = """
    select l.portfolio_id, l.account, sum(l.quantity - coalesce(used.quantity, 0))
    from app.lots l
    left join lateral (
        select sum(u.quantity) as quantity from app.lot_uses u
        where u.user_id = l.user_id and u.token_id = l.token_id and u.lot_number = l.number and u.used_at < %(at)s
    ) used on true
    where l.user_id = %(user_id)s and l.token_id = %(former)s and l.opened_at < %(at)s
    group by l.portfolio_id, l.account
    having sum(l.quantity - coalesce(used.quantity, 0)) > 0
"""


class _Event(NamedTuple):
    id: UUID
    kind: str
    token_id: UUID
    successor_id: UUID | None
    old_units: Decimal
    new_units: Decimal
    at: datetime

    @property
    def ratio(self) -> Ratio:
        return Ratio(self.old_units, self.new_units)


class Line(NamedTuple):
    """A token among its events: those that end it (one at most), split it, change its unit, and those it comes from.

    With `as_of`, those that were known then, and so the facts that they are laid among.
    """

    token_id: UUID
    events: tuple[_Event, ...]
    as_of: datetime | None = None

    def since(self, since: datetime) -> datetime:
        """From when on to book: whatever happens in a token that has ended may move the moment of its end."""
        return min([since, *(event.at for event in self._ends())])

    def successions(self) -> conversions.Successions:
        """Since when which token is which, of those that this one is part of."""
        return {
            (event.token_id, event.successor_id): event.at
            for event in self.events
            if event.successor_id is not None and event.kind != "split"
        }

    def heirs(self) -> Mapping[UUID, datetime]:
        """The tokens whose books have to follow this one's, from when on."""
        return {
            event.successor_id: event.at
            for event in self.events
            if event.successor_id is not None and event.token_id == self.token_id
        }

    def former(self) -> frozenset[UUID]:
        """The tokens that this one comes from, wholly or by a split."""
        return frozenset(e.token_id for e in self.events if e.successor_id == self.token_id)

    def legacies(
        self, records: BookRecords, handed_on: Iterable[Carried], facts: Iterable[Fact]
    ) -> Iterator[tuple[UUID, Carried]]:
        """Who takes what over from a book of this token that is not stored, in the unit of the heir.

        Args:
            records: the book, from the first fact on.
            handed_on: what went on from it, in its unit.
            facts: all facts of the token.
        """
        own = {fact.fact_id: fact for fact in facts}
        events = {event.id: event for event in self.events}
        for each in handed_on:
            event, fact = events.get(each.fact_id), own.get(each.fact_id)
            heir = event.successor_id if event else fact and fact.counter_token_id
            if heir is not None and heir != self.token_id:
                ratio = event.ratio if event else conversions.exchanged(own[each.fact_id])
                yield heir, each._replace(lots=conversions.converted(each.lots, ratio))
        for event in self.events:
            if event.kind == "split" and event.token_id == self.token_id and event.successor_id:
                pools = conversions.held(records, event.at)
                for came in conversions.split_off(event.id, event.at, event.ratio, pools):
                    yield event.successor_id, came

    def _ends(self) -> list[_Event]:
        """The events that end the token: one at most."""
        return [
            e for e in self.events if e.token_id == self.token_id and e.kind in ("rename", "swap")
        ]

    def conversions(
        self, conn: Connection, scope: Mapping[str, Any], carried: list[Carried]
    ) -> list[Conversion]:
        """The conversions from `since` of the scope on, in each of the user's portfolios."""
        if not any(event.token_id == self.token_id for event in self.events):
            return []
        statement = _LAST_FACTS if self.as_of is None else _LAST_FACTS_KNOWN
        last: dict[UUID, datetime | None] = dict(
            conn.execute(statement, {**scope, "as_of": self.as_of}).fetchall()
        )
        came: dict[UUID, list[datetime]] = defaultdict(list)
        for each in carried:
            came[each.portfolio_id].append(each.at)
        conversions = []
        for event in self.events:
            if event.token_id != self.token_id or event.kind == "split":
                continue
            for portfolio_id, fact_at in last.items():
                ends = event.successor_id is not None
                moments = [fact_at or event.at, *came[portfolio_id]] if ends else []
                heir = event.successor_id or self.token_id
                at = max([event.at, *moments])
                conversions.append(Conversion(event.id, at, portfolio_id, heir, event.ratio))
        return [each for each in conversions if each.at >= scope["since"]]

    def carried(self, conn: Connection, scope: Mapping[str, Any]) -> list[Carried]:
        """The lots carried over from other tokens from `since` of the scope on."""
        sources = [e for e in self.events if e.successor_id == self.token_id]
        former = [event.token_id for event in sources if event.kind != "split"]
        carried_lots = _carried(conn, {**scope, "former": former}) if former else []
        for event in sources:
            if event.kind == "split" and event.at >= scope["since"]:
                carried_lots += _split(conn, scope, event)
        return carried_lots


def line(conn: Connection, token_id: UUID, as_of: datetime | None = None) -> Line:
    """The token with all events that count and have happened, as it is known now or was at a moment."""
    known = {"token_id": token_id, "as_of": "infinity" if as_of is None else as_of}
    rows = conn.execute(_EVENTS, known)
    return Line(token_id, tuple(_Event(*row) for row in rows), as_of)


def _carried(conn: Connection, parameters: Mapping[str, Any]) -> list[Carried]:
    by_origin: dict[tuple[Any, ...], list[CarriedLot]] = defaultdict(list)
    for row in conn.execute(_CARRIED, parameters):
        by_origin[(*row[:4], Ratio(*row[7:]))].append(CarriedLot(*row[4:7]))
    return [
        Carried(fact_id, at, portfolio_id, account, conversions.converted(lots, ratio))
        for (fact_id, at, portfolio_id, account, ratio), lots in by_origin.items()
    ]


def _split(conn: Connection, scope: Mapping[str, Any], event: _Event) -> list[Carried]:
    parameters = {**scope, "former": event.token_id, "at": event.at}
    pools = {tuple(row[:2]): row[2] for row in conn.execute(_HELD, parameters)}
    return conversions.split_off(event.id, event.at, event.ratio, pools)
