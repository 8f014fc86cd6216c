"""What administrators do with accounts and feature switches."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection

from coinsphere.audit.chain import Act
from coinsphere.audit.events import Event
from coinsphere.market import origin, overview
from webapi import features
from webapi.admin import queries, schemas
from webapi.admin.queries import Account, After
from webapi.auth import queries as auth_queries
from webapi.features import Feature, Switch
from webapi.http import cursor, errors, paths
from webapi.security import access, audit
from webapi.services import services

_USER = "user"


def accounts(query: schemas.UsersQuery) -> tuple[list[Account], str | None]:
    """Accounts, oldest first, and the cursor of the next page if there is one. Raises `errors.Problem`: 400, a bad cursor."""
    work = services()
    after = None if query.cursor is None else _after(query.cursor)
    with work.database.connection() as conn:
        rows = queries.accounts(
            conn, work.clock(), query.limit + 1, text=query.q, role=query.role, after=after
        )
    shown = rows[: query.limit]
    more = len(rows) > len(shown)
    return shown, cursor.encode([shown[-1].created_at, str(shown[-1].id)]) if more else None


def account(conn: Connection, user_id: str) -> Account:
    """One account. Raises `errors.Problem`: 404."""
    stored = queries.account(conn, paths.uuid(user_id, _USER), services().clock())
    if stored is None:
        raise errors.not_found(_USER)
    return stored


def change(user_id: str, wanted: schemas.UserChange) -> Account:
    """Change an account's role, disable it, or enable it again; a disabled one's sessions and API keys end at once.

    Raises:
        errors.Problem: 404; 403, the caller is no administrator any more; 409, it is the caller's own account.
    """
    work = services()
    now = work.clock()
    with work.database.connection() as conn:
        caller = access.principal().user_id
        if caller not in queries.lock_administrators(conn):
            raise errors.Problem(403, "Admin access required")
        stored = account(conn, user_id)
        if stored.id == caller:
            raise errors.Problem(
                409, "nobody may change their own account here", code="own-account"
            )
        queries.change(conn, stored.id, role=wanted.role, is_active=wanted.is_active)
        touched = queries.live_sessions(conn, stored.id, now)
        if wanted.is_active is False:
            auth_queries.end_sessions(conn, stored.id, "disabled", now)
        changed = account(conn, user_id)
        _tell(conn, caller, stored, changed)
    # Told after the commit: what the cache still knows is the old role.
    work.sessions.bury(*touched)
    return changed


def end_sessions(user_id: str) -> int:
    """End every session of an account. Returns how many. Raises `errors.Problem`: 404."""
    work = services()
    with work.database.connection() as conn:
        stored = account(conn, user_id)
        ended = auth_queries.end_sessions(conn, stored.id, "admin", work.clock())
        audit.record(
            conn,
            Event.SESSIONS_ENDED_BY_ADMIN,
            actor_id=access.principal().user_id,
            target=str(stored.id),
            details={"sessions": len(ended)},
        )
    work.sessions.bury(*ended)
    return len(ended)


def audit_entries(conn: Connection, query: schemas.AuditQuery) -> tuple[list[Act], str | None]:
    """Entries of the audit log, newest first. The reading itself becomes an entry, too."""
    before = None if query.cursor is None else cursor.number(query.cursor)
    entries = queries.audit_log(
        conn, query.limit + 1, action=query.action, actor_id=query.actor_id, before=before
    )
    audit.record(conn, Event.AUDIT_READ, actor_id=access.principal().user_id)
    shown = entries[: query.limit]
    return shown, cursor.encode([shown[-1].id]) if len(entries) > len(shown) else None


def data_status() -> dict[str, Any]:
    """The contents and freshness of the market tables, and failures of sources in the last day."""
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


def switches() -> list[dict[str, Any]]:
    """Every feature that can be turned off, and whether it is on."""
    with services().database.connection() as conn:
        known = {each.feature: each for each in features.stored(conn)}
    return [_feature(each, known.get(each)) for each in Feature]


def switch(feature: str, wanted: schemas.SwitchIn) -> dict[str, Any]:
    """Turn a feature on or off. Raises `errors.Problem`: 404."""
    if feature not in set(Feature):
        raise errors.not_found("feature")
    work = services()
    chosen, caller = Feature(feature), access.principal().user_id
    with work.database.connection() as conn:
        features.store(conn, chosen, caller, work.clock(), is_on=wanted.is_on)
        stored = {each.feature: each for each in features.stored(conn)}
        audit.record(
            conn,
            Event.FEATURE_SWITCHED,
            actor_id=caller,
            target=chosen,
            details={"isOn": wanted.is_on},
        )
    features.switches().forget()
    return _feature(chosen, stored.get(chosen))


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
