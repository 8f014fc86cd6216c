"""The progress of backups as the database knows it: base backups, how far the log is stored, drills."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from psycopg import Connection
from psycopg.types.json import Jsonb

SLOT = "coinsphere_backup"
"""The replication slot that keeps the log until it was received."""
BEAT_AT_MOST = timedelta(minutes=5)
SPARE = timedelta(hours=2)
"""So much later than due may a backup be before it is told."""
DRILL_AT_MOST = timedelta(days=9)

_MADE = """
    insert into app.backups (id, kind, started_at, finished_at, bytes)
    values (%(id)s, %(kind)s, %(started)s, %(finished)s, %(bytes)s)
    on conflict (id) do nothing
"""
_BEAT = """
    insert into app.backup_progress (place, at, segment, problem)
    values (%(place)s, clock_timestamp(), %(segment)s, %(problem)s)
    on conflict (place) do update
        set at = case when excluded.problem is null then excluded.at else app.backup_progress.at end,
            segment = coalesce(excluded.segment, app.backup_progress.segment), problem = excluded.problem
"""
_BEGIN = "update app.backup_progress set begun_at = clock_timestamp()"
_POSITION = "select pg_current_wal_insert_lsn()::text"
_RECEIVED = """
    select not active or restart_lsn >= %(position)s::pg_lsn from pg_replication_slots where slot_name = %(slot)s
"""
_DRILLED = """
    insert into app.backup_drills (backup_id, started_at, rpo_seconds, rto_seconds, is_good, report)
    values (%(backup)s, %(started)s, %(rpo)s, %(rto)s, %(good)s, %(report)s)
"""
_AGES = """
    select (select max(finished_at) from app.backups), (select min(at) from app.backup_progress),
        (select string_agg(place || ': ' || problem, '; ') from app.backup_progress where problem is not null)
"""
_DRILL = """
    select started_at, is_good from app.backup_drills order by started_at desc limit 1
"""
_SLOT = """
    select active, wal_status, inactive_since from pg_replication_slots where slot_name = %(slot)s
"""


def made(
    conn: Connection, backup_id: str, kind: str, *, started: datetime, finished: datetime, size: int
) -> None:
    """Store that a base backup of `size` bytes was made."""
    parameters = {
        "id": backup_id,
        "kind": kind,
        "started": started,
        "finished": finished,
        "bytes": size,
    }
    conn.execute(_MADE, parameters)


def begin(conn: Connection) -> str:
    """Write that what was committed until now is about to be stored, so that a restored state tells how old it is.

    Returns:
        the position in the log behind which nothing of it stands. `conn` must be in autocommit.
    """
    conn.execute(_BEGIN)
    row = conn.execute(_POSITION).fetchone()
    assert row is not None
    return str(row[0])


def is_received(conn: Connection, position: str) -> bool:
    """Whether the log has come so far; True also where nobody receives it."""
    row = conn.execute(_RECEIVED, {"position": position, "slot": SLOT}).fetchone()
    return row is None or bool(row[0])


def beat(conn: Connection, place: str, segment: str | None, problem: str | None) -> None:
    """Store that every commit until now is at a place, up to a segment; or why not."""
    conn.execute(_BEAT, {"place": place, "segment": segment, "problem": problem})


def keep_only(conn: Connection, places: Sequence[str]) -> None:
    """Delete places that are no longer written to, which would be reported as late for good."""
    conn.execute(
        "delete from app.backup_progress where place <> all(%(places)s)", {"places": list(places)}
    )


def drilled(
    conn: Connection,
    backup_id: str | None,
    started_at: datetime,
    *,
    rpo_seconds: float | None,
    rto_seconds: float,
    is_good: bool,
    report: object,
) -> None:
    """Store the result of a drill; `report` is JSON."""
    parameters = {
        "backup": backup_id,
        "started": started_at,
        "rpo": rpo_seconds,
        "rto": rto_seconds,
        "good": is_good,
        "report": Jsonb(report),
    }
    conn.execute(_DRILLED, parameters)


def problems(conn: Connection, hours: int, now: datetime) -> list[str]:
    """The problems of backups, a sentence each; none where no backups are made here.

    `hours` are those from one base backup to the next.
    """
    slot = conn.execute(_SLOT, {"slot": SLOT}).fetchone()
    newest, stored, why = conn.execute(_AGES).fetchone() or (None, None, None)
    if hours == 0 or (slot is None and stored is None):
        return []
    return [
        *_of_receiver(slot, now),
        *([why] if why else []),
        *_of_ages(newest, stored, timedelta(hours=hours), now),
        *_of_drill(conn, now),
    ]


def _of_receiver(slot: tuple[bool, str, datetime] | None, now: datetime) -> list[str]:
    if slot is None:
        return ["nothing receives the log: the slot is gone"]
    is_active, status, inactive_since = slot
    if status == "lost":
        return ["the log has a gap: the receiver was away for too long"]
    if not is_active and inactive_since is not None and now - inactive_since > timedelta(minutes=1):
        return [f"nothing receives the log since {inactive_since:%Y-%m-%d %H:%M} UTC"]
    return []


def _of_ages(
    newest: datetime | None, stored: datetime | None, hours: timedelta, now: datetime
) -> list[str]:
    sentences = []
    if newest is None:
        sentences.append("there is no base backup yet")
    elif now - newest > hours + SPARE:
        sentences.append(f"the newest base backup is of {newest:%Y-%m-%d %H:%M} UTC")
    if stored is not None and now - stored > BEAT_AT_MOST:
        sentences.append(
            f"what was committed since {stored:%Y-%m-%d %H:%M} UTC is stored nowhere else"
        )
    return sentences


def _of_drill(conn: Connection, now: datetime) -> list[str]:
    row = conn.execute(_DRILL).fetchone()
    if row is None:
        return []
    at, is_good = row
    if not is_good:
        return [f"the drill of {at:%Y-%m-%d %H:%M} UTC failed"]
    return [f"the last drill was on {at:%Y-%m-%d}"] if now - at > DRILL_AT_MOST else []
