"""Administration: accounts, the audit log, the state of the data, feature switches."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from psycopg import Connection

from coinsphere.market import origin, overview
from coinsphere.security.audit_events import Event
from webapi import features
from webapi.admin import queries, schemas
from webapi.admin.queries import Account, After
from webapi.auth import queries as auth_queries
from webapi.features import Feature, Switch
from webapi.http import cursor, errors, paths
from webapi.security import access, audit
from webapi.security.access import admin, analyst
from webapi.services import services

administration = APIBlueprint("administration", __name__, tag="Administration")

_USER = "user"


@administration.get("/users")
@admin
@administration.input(schemas.UsersQuery, location="query")
@administration.output(schemas.AccountsOut)
def list_users(query_data: schemas.UsersQuery) -> dict[str, Any]:
    """Accounts, oldest first."""
    work = services()
    after = None if query_data.cursor is None else _after(query_data.cursor)
    with work.database.connection() as conn:
        found = queries.accounts(
            conn,
            work.clock(),
            query_data.limit + 1,
            text=query_data.q,
            role=query_data.role,
            after=after,
        )
    shown = found[: query_data.limit]
    more = len(found) > len(shown)
    last = cursor.encode([shown[-1].created_at, str(shown[-1].id)]) if more else None
    return {"users": shown, "next_cursor": last}


@administration.get("/users/<user_id>")
@admin
@administration.output(schemas.OneAccountOut)
def get_user(user_id: str) -> dict[str, Any]:
    """One account."""
    with services().database.connection() as conn:
        return {"user": _account(conn, user_id)}


@administration.patch("/users/<user_id>")
@admin
@administration.input(schemas.UserChange)
@administration.output(schemas.OneAccountOut)
def change_user(user_id: str, json_data: schemas.UserChange) -> dict[str, Any]:
    """Change an account's role, disable it, or enable it again.

    A disabled account's sessions and API keys end at once. Nobody changes themselves, so that an administrator remains.
    """
    work = services()
    now = work.clock()
    with work.database.connection() as conn:
        caller = access.principal().user_id
        if caller not in queries.lock_administrators(conn):
            raise errors.Problem(403, "Admin access required")
        stored = _account(conn, user_id)
        if stored.id == caller:
            raise errors.Problem(
                409, "nobody may change their own account here", code="own-account"
            )
        queries.change(conn, stored.id, role=json_data.role, is_active=json_data.is_active)
        touched = queries.live_sessions(conn, stored.id, now)
        if json_data.is_active is False:
            auth_queries.end_sessions(conn, stored.id, "disabled", now)
        changed = _account(conn, user_id)
        _tell(conn, caller, stored, changed)
    # Told after the commit: what the cache still knows is the old role.
    work.sessions.bury(*touched)
    return {"user": changed}


@administration.post("/users/<user_id>/end-sessions")
@admin
@administration.output(schemas.EndedSessionsOut)
def end_sessions(user_id: str) -> dict[str, Any]:
    """End every session of an account."""
    work = services()
    with work.database.connection() as conn:
        stored = _account(conn, user_id)
        ended = auth_queries.end_sessions(conn, stored.id, "admin", work.clock())
        audit.record(
            conn,
            Event.SESSIONS_ENDED_BY_ADMIN,
            actor_id=access.principal().user_id,
            target=str(stored.id),
            details={"sessions": len(ended)},
        )
    work.sessions.bury(*ended)
    return {"message": "Sessions ended", "sessions": len(ended)}


@administration.get("/audit-log")
@admin
@administration.input(schemas.AuditQuery, location="query")
@administration.output(schemas.AuditOut)
def audit_log(query_data: schemas.AuditQuery) -> dict[str, Any]:
    """Entries of the audit log, newest first. That somebody read it is an entry too."""
    before = None if query_data.cursor is None else cursor.number(query_data.cursor)
    with services().database.connection() as conn:
        found = queries.audit_log(
            conn,
            query_data.limit + 1,
            action=query_data.action,
            actor_id=query_data.actor_id,
            before=before,
        )
        audit.record(conn, Event.AUDIT_READ, actor_id=access.principal().user_id)
    shown = found[: query_data.limit]
    last = cursor.encode([shown[-1].id]) if len(found) > len(shown) else None
    return {"entries": shown, "next_cursor": last}


@administration.get("/data-status")
@analyst
@administration.output(schemas.DataStatusOut)
def data_status() -> dict[str, Any]:
    """What the market tables hold, how fresh it is, and how sources failed in the last day."""
    work = services()
    now = work.clock()
    stale_after = timedelta(seconds=work.settings.market_stale_seconds)
    with work.database.connection() as conn:
        decided = origin.get(conn)
        return {
            "price_source": decided.source if decided else None,
            "decided_at": decided.decided_at if decided else None,
            "candles": overview.holdings(conn),
            "quotes": overview.quote_state(conn, now, stale_after),
            "failures": overview.failures(conn, now - timedelta(days=1)),
            "timestamp": now,
        }


@administration.get("/features")
@analyst
@administration.output(schemas.FeaturesOut)
def list_features() -> dict[str, Any]:
    """Every feature that can be turned off, and whether it is on."""
    with services().database.connection() as conn:
        known = {each.feature: each for each in features.stored(conn)}
    return {"features": [_feature(each, known.get(each)) for each in Feature]}


@administration.put("/features/<feature>")
@admin
@administration.input(schemas.SwitchIn)
@administration.output(schemas.OneFeatureOut)
def switch_feature(feature: str, json_data: schemas.SwitchIn) -> dict[str, Any]:
    """Turn a feature on or off; every process follows within two seconds."""
    if feature not in set(Feature):
        raise errors.not_found("feature")
    work = services()
    wanted, caller = Feature(feature), access.principal().user_id
    with work.database.connection() as conn:
        features.store(conn, wanted, caller, work.clock(), is_on=json_data.is_on)
        stored = {each.feature: each for each in features.stored(conn)}
        audit.record(
            conn,
            Event.FEATURE_SWITCHED,
            actor_id=caller,
            target=wanted,
            details={"isOn": json_data.is_on},
        )
    features.switches().forget()
    return {"feature": _feature(wanted, stored.get(wanted))}


def _account(conn: Connection, user_id: str) -> Account:
    found = queries.account(conn, paths.uuid(user_id, _USER), services().clock())
    if found is None:
        raise errors.not_found(_USER)
    return found


def _tell(conn: Connection, caller: UUID, before: Account, after: Account) -> None:
    """Note what changed, each as an entry of its own."""
    target = str(after.id)
    if before.is_active != after.is_active:
        event = Event.USER_ENABLED if after.is_active else Event.USER_DISABLED
        audit.record(conn, event, actor_id=caller, target=target)
    if before.role != after.role:
        details = {"from": before.role, "to": after.role}
        audit.record(conn, Event.ROLE_CHANGED, actor_id=caller, target=target, details=details)


def _feature(feature: Feature, stored: Switch | None) -> dict[str, Any]:
    forced_off = feature in features.switches().off_by_setting
    return {
        "feature": feature,
        "is_on": not forced_off and (stored is None or stored.is_on),
        "off_by_setting": forced_off,
        "changed_by": stored.changed_by if stored else None,
        "changed_at": stored.changed_at if stored else None,
    }


def _after(text: str) -> After:
    created_at, user_id = cursor.decode(text, 2)
    try:
        after = After(datetime.fromisoformat(created_at), UUID(user_id))
    except (ValueError, TypeError, AttributeError):
        raise cursor.refused() from None
    if after.created_at.tzinfo is None:
        raise cursor.refused()
    return after
