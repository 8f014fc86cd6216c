"""Rows and tokens that checks set aside: unused until a person releases or removes them, with a trail of every step.

A check names rows or tokens, and everything else goes on. An entry ends by itself when a later check finds its cause
gone: docs/adr/0116-the-blast-radius-of-a-check.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

CHECK = "check"
"""Who set aside, or found the cause gone, where it was no person."""


class Scope(StrEnum):
    """The kind of an entry. A token that is set aside is neither learned from nor forecast; its price is still shown."""

    CANDLE = "candle"
    """A daily one, by its day."""
    HOUR = "hour"
    """A candle of an hour."""
    QUOTE = "quote"
    TOKEN = "token"  # noqa: S105 - a name, no password
    FORECAST = "forecast"


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of a broken rule: a token, or its row of the instant `about`."""

    token_id: UUID
    about: datetime | None
    rule: str
    reason: str
    evidence: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the list."""

    id: int
    token_id: UUID
    symbol: str
    scope: str
    about: datetime | None
    rule: str
    reason: str
    evidence: Mapping[str, Any]
    since: datetime
    state: str
    changed_at: datetime
    changed_by: str
    change_reason: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """A change of an entry's state: when, by whom and why."""

    set_aside_id: int
    state: str
    at: datetime
    actor: str
    reason: str | None


_FOUND = """
    create temporary table found on commit drop as
    select * from unnest(
        %(token_ids)s::uuid[], %(abouts)s::timestamptz[], %(rules)s::text[], %(reasons)s::text[], %(evidence)s::jsonb[]
    ) as found (token_id, about, rule, reason, evidence)
"""
# Only rows that the check looked at can be over: those before its window stay as they are.
_GONE = """
    update market.set_aside kept set state = 'gone', changed_at = %(now)s, changed_by = %(by)s,
        change_reason = 'its cause is gone'
    where kept.scope = %(scope)s and kept.rule = any(%(suite)s) and kept.state in ('held', 'released')
        and (kept.about is null or kept.about >= %(since)s)
        and not exists (
            select from found
            where found.token_id = kept.token_id and found.rule = kept.rule
                and found.about is not distinct from kept.about
        )
"""
_HOLD = """
    insert into market.set_aside (token_id, scope, about, rule, reason, evidence, since, changed_at, changed_by)
    select token_id, %(scope)s, about, rule, reason, evidence, %(now)s, %(now)s, %(by)s from found
    on conflict (token_id, scope, rule, about) where state in ('held', 'released') do nothing
"""
_STANDING = """
    select s.token_id, s.about, s.rule
    from market.set_aside s
    join found on found.token_id = s.token_id and found.rule = s.rule and found.about is not distinct from s.about
    where s.scope = %(scope)s and s.state = 'held'
"""
_FOLLOW = "select market.follow_set_aside(%(now)s)"
_CONFIRM = """
    update market.price_data stored set quality = 'confirmed'
    from unnest(%(token_ids)s::uuid[], %(abouts)s::timestamptz[]) as moved (token_id, about)
    where stored.token_id = moved.token_id and stored.interval = '1d' and stored.opened_at = moved.about
        and stored.quality = 'ok'
"""
_LIST = """
    select s.id, s.token_id, t.symbol, s.scope, s.about, s.rule, s.reason, s.evidence, s.since, s.state, s.changed_at,
        s.changed_by, s.change_reason
    from market.set_aside s
    join market.tokens t on t.id = s.token_id
    where (%(past)s or s.state = 'held') and (%(token_id)s::uuid is null or s.token_id = %(token_id)s)
        and (%(id)s::bigint is null or s.id = %(id)s) and (%(before)s::bigint is null or s.id < %(before)s)
    order by s.id desc
    limit %(limit)s
"""
_COUNT = "select count(*) from market.set_aside where state = 'held'"
_TRAIL = """
    select set_aside_id, state, at, actor, reason from market.set_aside_trail
    where set_aside_id = any(%(ids)s) order by id
"""
# Functions of the database, as the API's role may not write prices.
_RELEASE = "select market.release_set_aside(%(ids)s, %(now)s, %(by)s, %(why)s)"
_REMOVE = "select market.remove_set_aside(%(ids)s, %(now)s, %(by)s, %(why)s)"
_WHY_OF_ALL = """
    select string_agg(distinct reason, ' ') from market.set_aside
    where token_id = %(token_id)s and state = 'held' and scope = 'token'
"""
_WHY = """
    select s.token_id, string_agg(distinct s.reason, ' ') from market.set_aside s
    where s.token_id = any(%(token_ids)s) and s.state = 'held'
        and (s.scope = 'token' or s.scope = 'forecast' and s.about >= (
            select max(p.origin_at) from model.predictions p where p.token_id = s.token_id and not p.is_shadow
        ))
    group by s.token_id
"""


def apply(  # noqa: PLR0917 - what was checked, and what was found
    conn: Connection,
    scope: Scope,
    suite: Sequence[str],
    subjects: Sequence[Subject],
    since: datetime | None,
    now: datetime,
) -> set[tuple[UUID, datetime | None, str]]:
    """Set aside `subjects`, and end entries that the rules of `suite` no longer name, in a transaction of its own.

    Args:
        conn: in the pipeline's role.
        scope: of all of them.
        suite: names of the rules that were checked.
        subjects: what broke one of them.
        since: the earliest row that was looked at; None where there was none, and then no row is let go.
        now: the instant of the check.

    Returns:
        Token, instant and rule of those that are held: what a person released is not.
    """
    if since is None:
        return set()
    arguments = {
        "scope": scope,
        "suite": list(suite),
        "now": now,
        "by": CHECK,
        "since": since,
    }
    with conn.transaction():
        conn.execute("drop table if exists found")
        conn.execute(_FOUND, _columns(subjects))
        conn.execute(_GONE, arguments)
        conn.execute(_HOLD, arguments)
        conn.execute(_FOLLOW, arguments)
        return set(conn.execute(_STANDING, arguments).fetchall())


def confirm(conn: Connection, subjects: Sequence[Subject]) -> None:
    """Mark candles as confirmed, as their neighbours explain their large moves."""
    conn.execute(
        _CONFIRM,
        {
            "token_ids": [each.token_id for each in subjects],
            "abouts": [each.about for each in subjects],
        },
    )


def entries(
    conn: Connection,
    *,
    token_id: UUID | None = None,
    entry: int | None = None,
    past: bool = False,
    before: int | None = None,
    limit: int | None = None,
) -> list[Entry]:
    """Present entries, newest first; with `past`, also ended ones."""
    arguments = {
        "token_id": token_id,
        "id": entry,
        "past": past,
        "before": before,
        "limit": limit,
    }
    return conn.cursor(row_factory=class_row(Entry)).execute(_LIST, arguments).fetchall()


def count(conn: Connection) -> int:
    """How many entries are held at present."""
    row = conn.execute(_COUNT).fetchone()
    return int(row[0]) if row else 0


def trails(conn: Connection, ids: Sequence[int]) -> dict[int, list[Step]]:
    """The steps of each of these entries, oldest first."""
    steps: dict[int, list[Step]] = {each: [] for each in ids}
    cursor = conn.cursor(row_factory=class_row(Step))
    for step in cursor.execute(_TRAIL, {"ids": list(ids)}):
        steps[step.set_aside_id].append(step)
    return steps


def release(conn: Connection, ids: Sequence[int], by: str, why: str, now: datetime) -> int:
    """Use these entries again for as long as their cause lasts. Returns how many were held."""
    return _decided(conn, _RELEASE, ids, by, why, now)


def remove(conn: Connection, ids: Sequence[int], by: str, why: str, now: datetime) -> int:
    """Take the candles of these entries out of the history, into the quarantine. Returns how many were held."""
    return _decided(conn, _REMOVE, ids, by, why, now)


def reasons(conn: Connection, token_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Reasons why tokens have no forecast now, by token; tokens that may be forecast are absent."""
    return dict(conn.execute(_WHY, {"token_ids": list(token_ids)}).fetchall())


def token_reason(conn: Connection, token_id: UUID) -> str | None:
    """Why the token is neither learned from nor forecast; None where it is not set aside."""
    row = conn.execute(_WHY_OF_ALL, {"token_id": token_id}).fetchone()
    return row[0] if row else None


def _decided(  # noqa: PLR0917 - as above
    conn: Connection, query: LiteralString, ids: Sequence[int], by: str, why: str, now: datetime
) -> int:
    arguments = {"ids": list(ids), "by": by, "why": why, "now": now}
    row = conn.execute(query, arguments).fetchone()
    return int(row[0]) if row else 0


def _columns(subjects: Sequence[Subject]) -> dict[str, list[Any]]:
    return {
        "token_ids": [each.token_id for each in subjects],
        "abouts": [each.about for each in subjects],
        "rules": [each.rule for each in subjects],
        "reasons": [each.reason for each in subjects],
        "evidence": [Jsonb(dict(each.evidence)) for each in subjects],
    }
