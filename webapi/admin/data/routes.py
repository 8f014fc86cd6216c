"""What checks set aside, and what was refused on arrival: lists, and what an administrator decides of them."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from apiflask import APIBlueprint
from psycopg import Connection

from coinsphere.errors import ConfigurationError
from coinsphere.market import refused, set_aside
from coinsphere.market.refused import Refused
from coinsphere.market.set_aside import Held
from coinsphere.security.audit_events import Event
from webapi.admin.data import schemas
from webapi.http import cursor, errors
from webapi.security import access, audit
from webapi.security.access import admin, analyst
from webapi.security.step_up import step_up
from webapi.services import services
from webapi.tokens import symbols

blueprint = APIBlueprint("administration_data", __name__, tag="Administration")

_MOST_DECIDED = 10_000
"""Rows of one token that one request decides."""

Decide = Callable[[Connection, Sequence[int], str, str, datetime], int]


Row = TypeVar("Row", Held, Refused)


@blueprint.get("/set-aside")
@analyst
@blueprint.input(schemas.ListQuery, location="query")
@blueprint.output(schemas.SetAsideOut)
def list_set_aside(query_data: schemas.ListQuery) -> dict[str, Any]:
    """What checks set aside and nothing uses, newest first, each with its trail."""
    with services().database.connection() as conn:
        found = set_aside.entries(conn, **_filters(conn, query_data))
        shown, following = _page(found, query_data.limit)
        trails = set_aside.trails(conn, [each.id for each in shown])
    return {
        "entries": [{**asdict(each), "trail": trails[each.id]} for each in shown],
        "next_cursor": following,
    }


@blueprint.post("/set-aside/<which>/release")
@admin
@blueprint.input(schemas.DecisionIn)
@blueprint.output(schemas.DecidedOut)
def release_set_aside(which: str, json_data: schemas.DecisionIn) -> dict[str, int]:
    """Use again what was set aside, as long as its cause lasts: an entry's number, or a symbol for all of its token."""
    return _decide(_held, set_aside.release, which, json_data.reason, Event.DATA_RELEASED)


@blueprint.post("/set-aside/<which>/remove")
@admin
@step_up
@blueprint.input(schemas.DecisionIn)
@blueprint.output(schemas.DecidedOut)
def remove_set_aside(which: str, json_data: schemas.DecisionIn) -> dict[str, int]:
    """Take candles that were set aside out of the history; they stay among what was refused. A recent login is needed."""
    return _decide(_held, set_aside.remove, which, json_data.reason, Event.DATA_REMOVED)


@blueprint.get("/refused")
@analyst
@blueprint.input(schemas.ListQuery, location="query")
@blueprint.output(schemas.RefusedRowsOut)
def list_refused(query_data: schemas.ListQuery) -> dict[str, Any]:
    """Rows of sources and files that were refused on arrival and wait for a decision, newest first, as they came."""
    with services().database.connection() as conn:
        found = refused.rows(conn, **_filters(conn, query_data))
    shown, following = _page(found, query_data.limit)
    return {"rows": shown, "next_cursor": following}


@blueprint.post("/refused/<which>/release")
@admin
@blueprint.input(schemas.DecisionIn)
@blueprint.output(schemas.DecidedOut)
def release_refused(which: str, json_data: schemas.DecisionIn) -> dict[str, int]:
    """Use candles and quotes after all that were refused: a row's number, or a symbol for all of its token.

    409 where one of them cannot be true by itself, like a price of zero; then none is used.
    """
    try:
        return _decide(_refused, refused.release, which, json_data.reason, Event.DATA_RELEASED)
    except (refused.CannotBeUsed, ConfigurationError) as error:
        raise errors.Problem(409, str(error), code="cannot-be-used") from None


@blueprint.post("/refused/<which>/remove")
@admin
@blueprint.input(schemas.DecisionIn)
@blueprint.output(schemas.DecidedOut)
def remove_refused(which: str, json_data: schemas.DecisionIn) -> dict[str, int]:
    """Confirm that rows which were refused are wrong: they wait no longer, and are kept."""
    return _decide(_refused, refused.remove, which, json_data.reason, Event.DATA_REMOVED)


def _decide(
    find: Callable[[Connection, str], list[int]],
    decide: Decide,
    which: str,
    why: str,
    event: Event,
) -> dict[str, int]:
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
    return {"decided": decided}


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
    return [each.id for each in refused.rows(conn, token_id=token.id, limit=_MOST_DECIDED)]


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


def _page(found: list[Row], limit: int) -> tuple[list[Row], str | None]:
    """The rows to show, and the cursor behind them where there are more."""
    shown = found[:limit]
    return shown, cursor.encode([shown[-1].id]) if len(found) > limit else None
