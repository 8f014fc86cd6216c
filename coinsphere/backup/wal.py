"""Receives the write-ahead log as it is written, and stores it encrypted at every place within seconds.

`pg_receivewal` may end while everything else returns 0, and its newest segment is a `.partial` one: so it is watched,
and that segment is stored, too, as often as it changes.
"""

import gzip
import shutil
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

import psycopg

from coinsphere import log
from coinsphere.backup import privileges, tools
from coinsphere.backup.model import SEGMENT, WAL
from coinsphere.backup.packing import Packer
from coinsphere.backup.places import Place
from coinsphere.backup.sealing import SUFFIX, Seals
from coinsphere.errors import BackupError
from coinsphere.health.backup_progress import SLOT
from coinsphere.local import postgres

PARTIAL = ".partial"
_STATUS = "select wal_status from pg_replication_slots where slot_name = %(slot)s"
_END_OTHERS = """
    select pg_terminate_backend(active_pid, 5000) from pg_replication_slots
    where slot_name = %(slot)s and active_pid is not null
"""
_PACKED = f".gz{SUFFIX}"
_MOST_RECEIVED = 256
"""Segments, 4 GiB, that wait here for a place that is away; the oldest are given up then, and the next base begins anew."""

_LAST_WORDS = 5
"""Lines of the receiver that are told when it ends by itself. One that we end has words, too, as that its newest segment is not
whole: they frighten for nothing."""

_log = log.get("backup")


class Receiver:
    """`pg_receivewal` as a child process, started again whenever it ends."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self._child: subprocess.Popen[str] | None = None
        self._hearing: threading.Thread | None = None
        self._words: deque[str] = deque(maxlen=_LAST_WORDS)

    def ensure(self, settle: Callable[[], object] = lambda: None) -> bool:
        """Start it where it does not run. Returns True where the log has a gap, as the server could not keep it for us.

        Args:
            settle: stores what was received before the gap, which is removed then.

        Raises:
            BackupError: the server does not let the log be received.
            psycopg.Error: it is away.
        """
        if self._child is not None and self._child.poll() is None:
            return False
        if self._child is not None:
            _log.error(
                "the receiver of the log ended", code=self._child.returncode, said=self.last_words
            )
        has_gap = self._prepare_slot()
        if has_gap:
            settle()
            self._forget()
        command = [
            str(postgres.binary("pg_receivewal")),
            f"--directory={self._folder}",
            f"--slot={SLOT}",
            "--synchronous",
            "--no-loop",
            "--no-password",
        ]
        self._begin(command)
        return has_gap

    @property
    def has_ended(self) -> bool:
        """Whether it ended by itself."""
        return self._child is not None and self._child.poll() is not None

    @property
    def last_words(self) -> str:
        """Its last output, once it has ended."""
        if self._hearing is not None:
            self._hearing.join()
        return " / ".join(self._words)

    def _begin(self, command: list[str]) -> None:
        self._words.clear()
        self._child = subprocess.Popen(  # noqa: S603 - no shell, a program of ours  # nosec B603
            command,
            env=tools.environment(self._url),
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        self._hearing = threading.Thread(target=self._hear, args=[self._child.stderr], daemon=True)
        self._hearing.start()

    def _hear(self, stderr: IO[str]) -> None:
        with stderr:
            self._words.extend(line.strip() for line in stderr)

    def stop(self) -> bool:
        """Stop it. Returns False where it never ran."""
        if self._child is None:
            return False
        self._child.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout=10)
        self._child.kill()
        self._child.wait()
        if self._hearing is not None:
            self._hearing.join()
        return True

    def _prepare_slot(self) -> bool:
        """Make the slot where there is none, or anew where the server gave up keeping the log for it."""
        with psycopg.connect(self._url, autocommit=True, connect_timeout=5) as conn:
            privileges.refuse_without(conn)
            # A receiver that outlived a killed backup daemon would keep the slot from the new one.
            conn.execute(_END_OTHERS, {"slot": SLOT})
            known = conn.execute(_STATUS, {"slot": SLOT}).fetchone()
            is_new = known is None or known == ("lost",)
            if known is not None and is_new:
                conn.execute("select pg_drop_replication_slot(%(slot)s)", {"slot": SLOT})
            if is_new:
                conn.execute(
                    "select pg_create_physical_replication_slot(%(slot)s, true)", {"slot": SLOT}
                )
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return is_new and bool(received(self._folder))

    def _forget(self) -> None:
        """The receiver goes on behind the newest that lies here, and the server does not have that any more."""
        for path in received(self._folder):
            _log.error("the log has a gap behind", segment=path.name)
            path.unlink()


class Shipping:
    """Stores the received log at one place."""

    def __init__(self, place: Place, seals: Seals, folder: Path) -> None:
        self._place = place
        self._seals = seals
        self._folder = folder
        self._packer = Packer()
        self._stored: set[str] | None = None
        self._partial: tuple[str, int] | None = None

    def ship(self) -> str | None:
        """Store new segments. Returns the name of the newest, None where nothing was received yet.

        Raises:
            BackupError: the place does not take it.
        """
        if self._stored is None:
            self._stored = {Path(path).name for path, _ in self._place.walk(WAL)}
        newest = None
        for source in received(self._folder):
            newest = source.name
            # The receiver renames a segment that is full: then it is stored in the next round.
            with suppress(FileNotFoundError):
                self._ship_one(source)
        return newest

    def has(self, name: str) -> bool:
        """Whether a whole segment is stored."""
        return self._stored is not None and name + _PACKED in self._stored

    def _ship_one(self, source: Path) -> None:
        if source.suffix == PARTIAL:
            changed = (source.name, source.stat().st_mtime_ns)
            if changed != self._partial:
                self._put(source)
                self._partial = changed
        elif not self.has(source.name):
            self._put(source)
            self._place.delete(f"{WAL}/{source.name}{PARTIAL}{_PACKED}")

    def _put(self, source: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="coinsphere-wal-") as scratch:
            packed, sealed = Path(scratch, "packed"), Path(scratch, "sealed")
            self._packer.pack(source, packed)
            self._seals.seal(packed, sealed)
            self._place.put(f"{WAL}/{source.name}{_PACKED}", sealed)
        if self._stored is not None:
            self._stored.add(source.name + _PACKED)


def received(folder: Path) -> list[Path]:
    """The received files in the order of the log: histories, whole segments and the one being written."""
    names = [path for path in folder.glob("*") if _is_log(path.name)]
    return sorted(names, key=lambda path: path.name)


def clear(folder: Path, shippings: list[Shipping]) -> None:
    """Remove whole segments that every place has, except the newest, from which the receiver goes on."""
    whole = [path for path in received(folder) if SEGMENT.fullmatch(path.name)]
    for path in whole[:-1]:
        if all(each.has(path.name) for each in shippings):
            path.unlink()
    for path in whole[:-_MOST_RECEIVED]:
        if path.exists():
            _log.error("log given up that a place does not take", segment=path.name)
            path.unlink()


def fetch(place: Place, seals: Seals, first: str, folder: Path) -> list[str]:
    """Write the log from segment `first` on to `folder`. Returns its segments' names, a partial one without its suffix.

    Raises:
        BackupError: one cannot be read or opened.
    """
    names = set()
    stored = sorted(path for path, _ in place.walk(WAL))
    for path in stored:
        name = Path(path).name.removesuffix(_PACKED)
        plain = name.removesuffix(PARTIAL)
        if (SEGMENT.fullmatch(plain) and plain[8:] < first[8:]) or plain in names:
            continue
        _unpack(place, seals, path, folder / plain)
        names.add(plain)
    return sorted(names)


def segments(place: Place) -> list[tuple[str, str, int]]:
    """The log stored at a place: path, name of the segment or history, bytes."""
    return [
        (path, Path(path).name.removesuffix(_PACKED).removesuffix(PARTIAL), size)
        for path, size in place.walk(WAL)
    ]


def _unpack(place: Place, seals: Seals, path: str, target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="coinsphere-wal-") as scratch:
        sealed, packed = Path(scratch, Path(path).name), Path(scratch, "packed")
        place.get(path, sealed)
        seals.open(sealed, packed)
        try:
            with gzip.open(packed, "rb") as source, target.open("wb") as out:
                shutil.copyfileobj(source, out)
        except (OSError, EOFError) as error:
            raise BackupError(f"{path} is damaged: {error}") from error


def _is_log(name: str) -> bool:
    return bool(SEGMENT.fullmatch(name.removesuffix(PARTIAL))) or name.endswith(".history")
