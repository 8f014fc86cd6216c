"""Stored pairs of transfers between own accounts: matched by `transfer_matching`, confirmed or rejected by the user."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.portfolio.ledger.transfer_matching import Pair, Transfer, match

_TRANSFERS = """
    select
        t.type = 'transfer_out', t.fact_id, t.portfolio_id, lower(t.exchange) as exchange, t.amount, t.occurred_at, t.tx_hash,
        p.transfer_tolerance as tolerance, make_interval(hours => p.transfer_hours) as reach
    from app.transactions t
    join app.portfolios p on p.id = t.portfolio_id
    where t.user_id = %(user_id)s and t.token_id = %(token_id)s and t.superseded_at is null
        and t.type in ('transfer_out', 'transfer_in')
"""
_MATCHES = """
    select out_fact_id, in_fact_id, state from app.transfer_matches
    where user_id = %(user_id)s and token_id = %(token_id)s
"""
_ADD = """
    insert into app.transfer_matches (out_fact_id, in_fact_id, user_id, token_id, state)
    values (%(out)s, %(in)s, %(user_id)s, %(token_id)s, 'matched')
"""
_REMOVE = "delete from app.transfer_matches where out_fact_id = %(out)s and in_fact_id = %(in)s"
_DECIDE = """
    insert into app.transfer_matches (out_fact_id, in_fact_id, user_id, token_id, state)
    values (%(out)s, %(in)s, %(user_id)s, %(token_id)s, %(state)s)
    on conflict (out_fact_id, in_fact_id) do update set state = excluded.state, decided_at = now()
"""
# A new decision on one end undoes what was found or confirmed for it before.
_UNDO = """
    delete from app.transfer_matches
    where user_id = %(user_id)s and state <> 'rejected' and (out_fact_id = %(out)s or in_fact_id = %(in)s)
"""
_ENDS = """
    select o.token_id, least(o.occurred_at, i.occurred_at) as at
    from app.transactions o
    join app.transactions i on i.user_id = o.user_id and i.token_id = o.token_id and i.superseded_at is null
    where o.user_id = %(user_id)s and o.fact_id = %(out)s and o.type = 'transfer_out' and o.superseded_at is null
      and i.fact_id = %(in)s and i.type = 'transfer_in' and i.amount <= o.amount
"""
# Of the other direction, not in a pair yet, with no more coming in than going out; what is nearest in time first.
_CANDIDATES = """
    select other.fact_id, other.portfolio_id, p.name as portfolio_name, other.exchange, other.amount, other.occurred_at
    from app.transactions own
    join app.transactions other
        on other.user_id = own.user_id and other.token_id = own.token_id and other.superseded_at is null
        and other.type in ('transfer_in', 'transfer_out') and other.type <> own.type
    join app.portfolios p on p.id = other.portfolio_id
    where own.user_id = %(user_id)s and own.fact_id = %(fact_id)s and own.superseded_at is null
        and case own.type when 'transfer_out' then other.amount <= own.amount else other.amount >= own.amount end
        and not exists (
            select from app.transfer_matches m
            where m.user_id = own.user_id and m.state <> 'rejected' and other.fact_id in (m.out_fact_id, m.in_fact_id)
        )
    order by abs(extract(epoch from other.occurred_at - own.occurred_at)), other.fact_id
    limit %(limit)s
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A transfer that may be the other end of another one."""

    fact_id: UUID
    portfolio_id: UUID
    portfolio_name: str
    exchange: str | None
    amount: Decimal
    occurred_at: datetime


class _Stored(NamedTuple):
    out_fact_id: UUID
    in_fact_id: UUID
    state: str


class Ends(NamedTuple):
    """The token of two ends that can belong together, and the instant of the earlier one."""

    token_id: UUID
    at: datetime


def ends(conn: Connection, user_id: UUID, pair: Pair) -> Ends | None:
    """The token and the earlier instant of two facts of the user; None where they cannot be the ends of one transfer."""
    parameters = {"user_id": user_id, "out": pair[0], "in": pair[1]}
    return conn.cursor(row_factory=class_row(Ends)).execute(_ENDS, parameters).fetchone()


def decide(
    conn: Connection,
    user_id: UUID,
    token_id: UUID,
    pair: Pair,
    state: Literal["confirmed", "rejected"],
) -> None:
    """Store the user's decision on a pair. The caller books the token again."""
    parameters = {"user_id": user_id, "token_id": token_id, "out": pair[0], "in": pair[1]}
    if state == "confirmed":
        conn.execute(_UNDO, parameters)
    conn.execute(_DECIDE, {**parameters, "state": state})


def rematch(conn: Connection, user_id: UUID, token_id: UUID, since: datetime) -> datetime:
    """Match the token's transfers again after a change of facts at `since` or later.

    Returns:
        The instant from which on the token has to be booked anew: `since`, or earlier where a match changed, or where
        a transfer that is booked before `since` arrived after it.
    """
    parameters = {"user_id": user_id, "token_id": token_id}
    with conn.pipeline():
        transfers = conn.execute(_TRANSFERS, parameters)
        matches = conn.cursor(row_factory=class_row(_Stored)).execute(_MATCHES, parameters)
    rows, stored = transfers.fetchall(), matches.fetchall()
    outgoing = [Transfer(*end) for is_outgoing, *end in rows if is_outgoing]
    incoming = [Transfer(*end) for is_outgoing, *end in rows if not is_outgoing]
    if not stored and not (outgoing and incoming):
        return since
    times = {end.fact_id: end.occurred_at for end in (*outgoing, *incoming)}
    confirmed = [(s.out_fact_id, s.in_fact_id) for s in stored if _holds(s, times)]
    rejected = [(s.out_fact_id, s.in_fact_id) for s in stored if s.state == "rejected"]
    wanted = set(match(outgoing, incoming, confirmed, rejected))
    known = {(s.out_fact_id, s.in_fact_id) for s in stored if s.state != "rejected"}
    _store(conn, parameters, known - wanted, wanted - known)
    changed = {times[end] for pair in known ^ wanted for end in pair if end in times}
    spanning = {
        times[end] for pair in wanted if any(times[each] >= since for each in pair) for end in pair
    }
    return min({since} | changed | spanning)


def _holds(stored: _Stored, times: dict[UUID, datetime]) -> bool:
    """Whether the user confirmed the pair, and both ends are still there."""
    is_there = stored.out_fact_id in times and stored.in_fact_id in times
    return stored.state == "confirmed" and is_there


def _store(
    conn: Connection, parameters: dict[str, UUID], gone: Iterable[Pair], new: Iterable[Pair]
) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(_REMOVE, [{"out": out, "in": arrival} for out, arrival in gone])
        cursor.executemany(_ADD, [{**parameters, "out": out, "in": end} for out, end in new])


def candidates(conn: Connection, user_id: UUID, fact_id: UUID, limit: int = 5) -> list[Candidate]:
    """Transfers that may be the other end of one of the user, the nearest in time first."""
    parameters = {"user_id": user_id, "fact_id": fact_id, "limit": limit}
    cursor = conn.cursor(row_factory=class_row(Candidate))
    return cursor.execute(_CANDIDATES, parameters).fetchall()
