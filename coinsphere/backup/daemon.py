"""The backup daemon, `python -m coinsphere.backup.daemon`: a process of the local system that makes and stores backups.

It receives the log as it is written and stores it every few seconds, with what is new of models' files and of keys; and
makes a base backup each day. A place that does not answer holds up none of the others.
"""

import os
import signal
import threading
import time
from contextlib import suppress
from datetime import timedelta

import psycopg
from prometheus_client import Counter

from coinsphere import log
from coinsphere.backup import base_backups, places, sealing, wal
from coinsphere.backup.model import Kind
from coinsphere.backup.uploads import Upload
from coinsphere.clock import utc_now
from coinsphere.db.kept import KeptConnection
from coinsphere.errors import BackupError, CoinsphereError
from coinsphere.health import backup_progress
from coinsphere.local.state import State
from coinsphere.observability import exposition, faults
from coinsphere.settings import Settings

_ROUND_SECONDS = 1.0
_COMING_SECONDS = 1.0
"""How long the log of the last commits may take until it is here; what is not is stored the next time."""
_RETRY = timedelta(minutes=10)
"""After a base backup that failed."""
_POLITENESS = 15
"""Of who makes a base backup: it gets the cores that nobody else wants, as it compresses and seals for as long as it takes."""

_log = log.get("backup")
_STORED = Counter(
    "coinsphere_backup_stores",
    "Times that what is new was brought to a place, by how it ended.",
    ["place", "outcome"],
)
_BASES = Counter("coinsphere_backup_bases", "Base backups begun, by how they ended.", ["outcome"])


def bring(upload: Upload, conn: psycopg.Connection) -> None:
    """Store what is new at a place, and write to the database that it succeeded, or why not."""
    segment, problem = None, None
    try:
        segment = upload.store()
    except (BackupError, OSError) as error:
        problem = str(error)
        _log.error("not stored", place=upload.place.name, why=problem)
    _STORED.labels(upload.place.name, "failed" if problem else "done").inc()
    backup_progress.beat(conn, upload.place.name, segment, problem)


def _await_log(conn: psycopg.Connection) -> None:
    """Until the log of all that was committed by now is here."""
    position, end = backup_progress.begin(conn), time.monotonic() + _COMING_SECONDS
    while not backup_progress.is_received(conn, position) and time.monotonic() < end:
        time.sleep(_ROUND_SECONDS / 50)


class BackupDaemon:
    """Receives the log, makes base backups, and stores both, for one state."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._state = State(settings.state)
        self._seals = sealing.build(settings)
        self._places = places.build(settings)
        folder = self._state.received_log
        self._uploads = [Upload(each, self._seals, settings, folder) for each in self._places]
        self._database = KeptConnection(settings.dsn)
        self._receiver = wal.Receiver(settings.backup_dsn, folder)
        self._brought_at = float("-inf")
        self._base: threading.Thread | None = None
        self._not_before = utc_now()
        self._is_full_due = False

    def round(self) -> None:
        """Do once whatever is due."""
        self._state.backup_beat.parent.mkdir(exist_ok=True)
        self._state.backup_beat.touch()
        try:
            self._is_full_due |= self._receiver.ensure(self._bring)
            if time.monotonic() - self._brought_at >= self._settings.backup_wal_seconds:
                self._brought_at = time.monotonic()
                self._bring()
            self._begin_base()
        except psycopg.OperationalError as error:
            _log.warning("the database is away", error=str(error))
        except (BackupError, psycopg.Error) as error:
            _log.error("no backups", why=str(error))
            self._tell(str(error))

    def _tell(self, problem: str) -> None:
        """Note why nothing is stored, for `coinsphere status` and `/health`."""
        with suppress(psycopg.Error), psycopg.connect(self._settings.dsn, autocommit=True) as conn:
            for place in self._places:
                backup_progress.beat(conn, place.name, None, problem)

    def stop(self) -> None:
        """Stop the receiver after the last commit is stored; a base backup under way is given up."""
        if self._receiver.stop():
            with suppress(psycopg.Error):
                self._bring()
        self._database.close()

    def _bring(self) -> None:
        with self._database.use() as conn:
            _await_log(conn)
            for upload in self._uploads:
                bring(upload, conn)
            backup_progress.keep_only(conn, [place.name for place in self._places])
        wal.clear(self._state.received_log, [upload.shipping for upload in self._uploads])

    def _begin_base(self) -> None:
        """Begin a base backup where it is time for one, beside the rest."""
        if self._base is not None and self._base.is_alive():
            return
        if utc_now() >= self._not_before and self._is_due():
            self._base = threading.Thread(target=self._make_base, daemon=True)
            self._base.start()

    def _is_due(self) -> bool:
        """Whether the newest at any place is too old; the answer holds until one is made."""
        if self._settings.backup_hours == 0:
            return False
        try:
            newest = [each.finished_at for each in base_backups.stored(self._places[0])[-1:]]
        except BackupError as error:
            _log.error("not stored", why=str(error))
            self._not_before = utc_now() + _RETRY
            return False
        due = [each + timedelta(hours=self._settings.backup_hours) for each in newest]
        self._not_before = due[0] if due and not self._is_full_due else utc_now()
        return utc_now() >= self._not_before

    def _make_base(self) -> None:
        # Linux knows it of each thread, and programs that the thread starts inherit it; the receiver of the log does not.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _POLITENESS)
        kind: Kind | None = "full" if self._is_full_due else None
        try:
            backup = base_backups.create(
                self._settings, self._places, self._seals, clock=utc_now, kind=kind
            )
            self._is_full_due = False
            with psycopg.connect(self._settings.dsn, autocommit=True, connect_timeout=5) as conn:
                base_backups.note(conn, backup)
            _BASES.labels("done").inc()
            _log.info("base backup", id=backup.id, bytes=backup.size)
            for place in self._places:
                base_backups.prune(place, self._seals, self._settings, utc_now())
        except (CoinsphereError, psycopg.Error, OSError) as error:
            _BASES.labels("failed").inc()
            _log.error("no base backup", why=str(error))
            self._not_before = utc_now() + _RETRY


def main() -> None:
    """Run the daemon until a signal ends it."""
    settings = Settings.from_env()
    log.configure(settings.log_level)
    faults.start(settings, "backup")
    daemon = BackupDaemon(settings)
    exposition.serve(settings, settings.backup_metrics_port)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.wait(_ROUND_SECONDS):
        daemon.round()
    daemon.stop()


if __name__ == "__main__":
    main()
