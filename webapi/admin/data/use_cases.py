"""Administrators' decisions on rows that were quarantined or refused on arrival."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from psycopg import Connection

from coinsphere.audit.events import Event
from coinsphere.errors import ConfigurationError
from coinsphere.market.quality import quarantine_review, set_aside
from coinsphere.market.quality.quarantine_review import Refused
from coinsphere.market.quality.set_aside import Entry
from webapi.admin.data import schemas
from webapi.http import cursor, errors
from webapi.security import access, audit
from webapi.services import services
from webapi.tokens import symbols

_MOST_DECIDED = 10_000
"""Rows of one token that one request decides."""

Decide = Callable[[Connection, Sequence[int], str, str, datetime], int]
Row = TypeVar("Row", Entry, Refused)


def held(conn: Connection, query: schemas.ListQuery) -> tuple[list[Entry], str | None]:
    """Rows that checks set aside, newest first, and the cursor of the next page if there is one."""
    return _page(set_aside.entries(conn, **_filters(conn, query)), query.limit)


def waiting(conn: Connection, query: schemas.ListQuery) -> tuple[list[Refused], str | None]:
    """Rows that were refused on arrival, newest first, and the cursor of the next page if there is one."""
    return _page(quarantine_review.rows(conn, **_filters(conn, query)), query.limit)


def release_set_aside(which: str, reason: str) -> int:
    """Use rows again that were set aside: an entry's number, or a symbol for all of its token. Raises `errors.Problem`: 404."""
    return _decide(_held, set_aside.release, which, reason, Event.DATA_RELEASED)


def remove_set_aside(which: str, reason: str) -> int:
    """Take candles that were set aside out of the history. Raises `errors.Problem`: 404."""
    return _decide(_held, set_aside.remove, which, reason, Event.DATA_REMOVED)


def release_refused(which: str, reason: str) -> int:
    """Use refused rows after all. Raises `errors.Problem`: 404; 409, one is wrong by itself, and none is used."""
    try:
        return _decide(_refused, quarantine_review.release, which, reason, Event.DATA_RELEASED)
    except (quarantine_review.CannotBeUsed, ConfigurationError) as error:
        raise errors.Problem(409, str(error), code="cannot-be-used") from None


def remove_refused(which: str, reason: str) -> int:
    """Confirm that rows which were refused are wrong. Raises `errors.Problem`: 404."""
    return _decide(_refused, quarantine_review.remove, which, reason, Event.DATA_REMOVED)


def _decide(
    find: Callable[[Connection, str], list[int]],
    decide: Decide,
    which: str,
    why: str,
    event: Event,
) -> int:
    caller = access.principal().user_id
    work = services()
    with work.database.connection() as conn:
        decided = decide(conn, find(conn, which), f"administrator {caller}", why, work.clock())
        if not decided:
            raise errors.not_found("row that waits for this decision")
        audit.record(
            conn,
            event,
            actor_id=caller,
            target=which,
            details={"rows": decided, "decision": decide.__module__.rpartition(".")[2]},
        )
    return decided


def _held(conn: Connection, which: str) -> list[int]:
    number = _number(which)
    if number is not None:
        return [number]
    token = symbols.find(conn, which)
    return [each.id for each in set_aside.entries(conn, token_id=token.id, limit=_MOST_DECIDED)]


def _refused(conn: Connection, which: str) -> list[int]:
    number = _number(which)
    if number is not None:
        return [number]
    token = symbols.find(conn, which)
    return [
        each.id for each in quarantine_review.rows(conn, token_id=token.id, limit=_MOST_DECIDED)
    ]


def _number(which: str) -> int | None:
    """The number of a row, None where it is none: then it is a symbol."""
    if not (which.isascii() and which.isdecimal()):
        return None
    number = int(which[:20])
    if number >= 1 << 63:
        raise errors.not_found("row that waits for this decision")
    return number


def _filters(conn: Connection, query: schemas.ListQuery) -> dict[str, Any]:
    token_id: UUID | None = symbols.find(conn, query.symbol).id if query.symbol else None
    before = None if query.cursor is None else cursor.number(query.cursor)
    return {"token_id": token_id, "past": query.past, "before": before, "limit": query.limit + 1}


def _page(rows: list[Row], limit: int) -> tuple[list[Row], str | None]:
    """The rows to show, and the cursor behind them where there are more."""
    shown = rows[:limit]
    return shown, cursor.encode([shown[-1].id]) if len(rows) > limit else None
