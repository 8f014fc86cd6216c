"""Base backups: making one, listing and checking those that are stored, and forgetting old ones."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict

from coinsphere import log
from coinsphere.backup import catalogue, files, privileges, tools, unpacking, wal
from coinsphere.backup.catalogue import Keeping
from coinsphere.backup.model import BASES, MANIFEST, Backup, Kind, Part, decode, encode
from coinsphere.backup.places import Place
from coinsphere.backup.sealing import SUFFIX, Seals
from coinsphere.clock import Clock
from coinsphere.errors import BackupError
from coinsphere.health import backup_progress
from coinsphere.settings import Settings

PG_MANIFEST = "backup_manifest"
_SETTINGS = "settings.json"
_LEAST_ROOM = 1.2
"""Times the databases' size that must be free: archives are smaller, and sealed once more before they go."""

_log = log.get("backup")


def stored(place: Place) -> list[Backup]:
    """Every finished base backup at a place, the oldest first; one without a readable manifest is left out as unfinished.

    Raises:
        BackupError: the place does not answer.
    """
    backups = []
    with tempfile.TemporaryDirectory(prefix="coinsphere-backup-") as scratch:
        for path, _ in list(place.walk(BASES)):
            if Path(path).name == MANIFEST:
                target = Path(scratch, "manifest")
                place.get(path, target)
                with suppress(msgspec.MsgspecError):
                    backups.append(decode(target.read_bytes()))
    return sorted(backups, key=lambda backup: backup.finished_at)


def create(
    settings: Settings,
    places: Sequence[Place],
    seals: Seals,
    *,
    clock: Clock,
    kind: Kind | None = None,
) -> Backup:
    """Make a base backup and store it at every place. Where one place refuses it, the others get it before the error is raised.

    Args:
        settings: name the server.
        places: the first one says what an incremental backup builds on.
        seals: seal it.
        clock: the present instant.
        kind: None chooses; an incremental one becomes full where there is nothing to build on, or the server cannot.

    Raises:
        BackupError: it cannot be made, or a place does not take it.
    """
    chosen, parent = catalogue.next_kind(stored(places[0]))
    if kind == "full" or chosen == "full" or not seals.identities:
        parent = None
    with tempfile.TemporaryDirectory(prefix="backup-", dir=_scratch(settings)) as name:
        folder = Path(name)
        _refuse_without_room_or_right(settings, folder)
        work = _Work(settings, places[0], seals, folder, clock)
        try:
            backup = _make(work, parent)
        except BackupError as error:
            if parent is None:
                raise
            _log.warning("no incremental backup, a full one instead", why=str(error))
            shutil.rmtree(folder / "raw", ignore_errors=True)
            backup = _make(work, None)
        _store(backup, places, folder / "sealed")
    return backup


def note(conn: psycopg.Connection, backup: Backup) -> None:
    """Store in the database that a base backup exists."""
    backup_progress.made(
        conn,
        backup.id,
        backup.kind,
        started=backup.started_at,
        finished=backup.finished_at,
        size=backup.size,
    )


def prune(place: Place, seals: Seals, settings: Settings, now: datetime) -> list[str]:
    """Delete what the rule of retention does not keep. Returns the paths that were removed.

    Raises:
        BackupError: the place does not let it be removed.
    """
    keeping = Keeping(
        settings.backup_keep_days, settings.backup_keep_weeks, settings.backup_most_mib << 20
    )
    backups = stored(place)
    going = catalogue.superfluous(backups, keeping, now)
    kept = [backup for backup in backups if backup not in going]
    # The manifest goes first: what is left of a removal that broke off is no backup.
    removed = [backup.path(name) for backup in going for name in (MANIFEST, *_names(backup))]
    if kept:
        removed += _old_log(place, kept, keeping, now)
        removed += files.old(place, kept[0].started_at)
    for path in removed:
        place.delete(path)
    unused = files.unused(place, seals)
    for path in unused:
        place.delete(path)
    return removed + unused


def verify(place: Place, seals: Seals, backup: Backup) -> None:
    """Read a whole backup and check digests, seals, PostgreSQL's own manifest, and that the log behind it has no gap.

    Raises:
        BackupError: the first thing that is wrong.
    """
    for link in catalogue.chain(stored(place), backup):
        with tempfile.TemporaryDirectory(prefix="coinsphere-verify-") as name:
            unpacking.unpack(place, seals, link, Path(name))
    names = [segment for _, segment, _ in wal.segments(place)]
    missing = catalogue.gaps(backup.first_segment, names)
    if missing:
        raise BackupError(
            f"The log behind {backup.id} misses {len(missing)} segments, first {missing[0]}: it cannot be rolled "
            "forward past there."
        )


@dataclass(frozen=True, slots=True)
class _Work:
    """What a base backup is made with: `place` holds the one that it builds on."""

    settings: Settings
    place: Place
    seals: Seals
    folder: Path
    clock: Clock


def _make(work: _Work, parent: Backup | None) -> Backup:
    started, settings, folder = work.clock(), work.settings, work.folder
    made_id = f"{started:%Y%m%dT%H%M%SZ}-{'incremental' if parent else 'full'}"
    raw, sealed = folder / "raw", folder / "sealed"
    url = settings.backup_dsn
    parent_manifest = _manifest_of(work, parent) if parent else None
    tools.base_backup(url, made_id, raw, parent_manifest, settings.backup_mib_a_second)
    (raw / _SETTINGS).write_bytes(files.plain_settings(settings))
    timeline, lsn = tools.wal_start(json.loads((raw / PG_MANIFEST).read_bytes()))
    sealed.mkdir(exist_ok=True)
    return Backup(
        id=made_id,
        kind="incremental" if parent else "full",
        parent=parent.id if parent else None,
        started_at=started,
        finished_at=work.clock(),
        start_lsn=lsn,
        first_segment=tools.segment(timeline, lsn),
        server_version=_server_version(url),
        role=str(conninfo_to_dict(url)["user"]),
        parts=tuple(_seal(path, sealed, work.seals) for path in sorted(raw.iterdir())),
    )


def _seal(path: Path, folder: Path, seals: Seals) -> Part:
    target = folder / f"{path.name}{SUFFIX}"
    seals.seal(path, target)
    path.unlink()
    return Part(name=target.name, size=target.stat().st_size, sha256=files.digest_of(target))


def _store(backup: Backup, places: Sequence[Place], folder: Path) -> None:
    """Write it to each place, its manifest last: what has none is unfinished."""
    failures = []
    manifest = folder / MANIFEST
    manifest.write_bytes(encode(backup))
    for place in places:
        try:
            for name in (*_names(backup), MANIFEST):
                place.put(backup.path(name), folder / name)
        except BackupError as error:
            failures.append(str(error))
    if failures:
        raise BackupError(
            f"{backup.id} is not everywhere ({len(failures)} of {len(places)}): {'; '.join(failures)}"
        )


def _names(backup: Backup) -> list[str]:
    return [part.name for part in backup.parts]


def _manifest_of(work: _Work, parent: Backup) -> Path:
    sealed, plain = work.folder / "parent.age", work.folder / "parent"
    work.place.get(parent.path(f"{PG_MANIFEST}{SUFFIX}"), sealed)
    work.seals.open(sealed, plain)
    return plain


def _old_log(place: Place, kept: Sequence[Backup], keeping: Keeping, now: datetime) -> list[str]:
    """Log before the oldest young backup, which no restore to a second needs; and the oldest beyond the bound."""
    young = [backup for backup in kept if now - backup.finished_at <= timedelta(days=keeping.days)]
    first = catalogue.chain(kept, (young or kept[-1:])[0])[0].first_segment
    going, size = [], 0
    for path, name, segment_size in sorted(
        wal.segments(place), key=lambda segment: segment[1], reverse=True
    ):
        size += segment_size
        is_needed = name.endswith(".history") or (name[8:] >= first[8:] and size <= keeping.most)
        if not is_needed:
            going.append(path)
    return going


def _scratch(settings: Settings) -> Path:
    folder = settings.state / "backup-work"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _refuse_without_room_or_right(settings: Settings, folder: Path) -> None:
    with psycopg.connect(settings.backup_dsn, connect_timeout=5) as conn:
        privileges.refuse_without(conn)
        (size,) = conn.execute(
            "select sum(pg_database_size(oid))::bigint from pg_database"
        ).fetchone() or (0,)
    free = shutil.disk_usage(folder).free
    if free < size * _LEAST_ROOM:
        raise BackupError(
            f"{folder.parent} has {free >> 20:,} MiB left, the databases hold {size >> 20:,} MiB: make room."
        )


def _server_version(url: str) -> str:
    with psycopg.connect(url, connect_timeout=5) as conn:
        return conn.info.parameter_status("server_version") or ""
