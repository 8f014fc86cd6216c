"""Secures the state before an upgrade where no backup daemon runs: a base backup, then the log of the upgrade itself."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg

from coinsphere import log
from coinsphere.backup import base_backups, places, sealing, wal
from coinsphere.backup.model import Backup
from coinsphere.backup.uploads import Upload
from coinsphere.clock import Clock
from coinsphere.errors import BackupError
from coinsphere.health.backup_progress import SLOT
from coinsphere.local.state import State
from coinsphere.settings import Settings

_SECONDS = 120.0
_POLL_SECONDS = 0.2
# A record of our own behind all that was committed: the server writes it out even where commits do not wait for that,
# while the position that is inserted next may lie behind the head of a page to which nothing is written for hours.
_WRITE = "select pg_logical_emit_message(true, 'coinsphere', 'stored until here')"
# The slot of a receiver is where it told to have written to disk: segments say less, as the newest is never whole.
_RECEIVED = """
    select restart_lsn >= %(lsn)s::pg_lsn from pg_replication_slots where slot_name = %(slot)s
"""
_log = log.get("backup")


@contextmanager
def secured(settings: Settings, clock: Clock) -> Iterator[Backup]:
    """A context with a base backup at every place; the log of what is done within it is stored after it.

    Args:
        settings: name the server and the places.
        clock: the present instant.

    Raises:
        BackupError: on entering only: it cannot be made, or a place does not take it.
    """
    folder, seals = State(settings.state).received_log, sealing.build(settings)
    uploads = [Upload(place, seals, settings, folder) for place in places.build(settings)]
    receiver = wal.Receiver(settings.backup_dsn, folder)
    try:
        has_gap = receiver.ensure(lambda: [upload.store() for upload in uploads])
        backup = base_backups.create(
            settings.model_copy(update={"backup_mib_a_second": 0}),
            [upload.place for upload in uploads],
            seals,
            clock=clock,
            kind="full" if has_gap else None,
        )
        _follow(settings, receiver, uploads)
        yield backup
        _end(settings, receiver, uploads)
    finally:
        receiver.stop()


def _follow(settings: Settings, receiver: wal.Receiver, uploads: Sequence[Upload]) -> None:
    """Store all that was committed until now at every place."""
    with psycopg.connect(settings.backup_dsn, autocommit=True, connect_timeout=5) as conn:
        (lsn,) = conn.execute(_WRITE).fetchone() or (None,)
        deadline = time.monotonic() + _SECONDS
        while conn.execute(_RECEIVED, {"lsn": lsn, "slot": SLOT}).fetchone() != (True,):
            if receiver.has_ended or time.monotonic() > deadline:
                why = receiver.last_words if receiver.has_ended else ""
                raise BackupError(f"The server does not send its log. {why}".rstrip())
            time.sleep(_POLL_SECONDS)
    for upload in uploads:
        upload.store()


def _end(settings: Settings, receiver: wal.Receiver, uploads: Sequence[Upload]) -> None:
    """Store the log of what was done. It is done: where that fails now, the backup daemon does it later, from the slot on."""
    try:
        _follow(settings, receiver, uploads)
    except (BackupError, psycopg.Error, OSError) as error:
        _log.warning("the log is not stored yet", why=str(error))
