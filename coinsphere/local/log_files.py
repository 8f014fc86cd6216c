"""The files that processes log to, bounded in size though nobody stands between a process and its file.

A process has its log open for as long as it lives, so a file is copied aside and emptied: what is added to its end goes on at
the beginning.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 10_000_000
_ASIDE = 2
"""So many older files of a process are kept."""


def bound(folder: Path, most_bytes: int = MOST_BYTES) -> Iterator[Path]:
    """Put aside what each log that grew too large holds: `NAME.log.1`, which becomes `NAME.log.2` the next time.

    A line that is written in the instant between the last look and the emptying is lost.

    Args:
        folder: of the logs.
        most_bytes: how large a log may be.

    Yields:
        Each log that was emptied; one that cannot be copied, as on a full disk, is left as it is.
    """
    for log in folder.glob("*.log"):
        with suppress(OSError):
            if log.stat().st_size > most_bytes:
                _put_aside(log)
                yield log


def _put_aside(log: Path) -> None:
    copy = _older(log, 0)
    try:
        with log.open("rb+") as written, copy.open("wb") as kept:
            shutil.copyfileobj(written, kept)
            written.truncate(0)
    except OSError:
        copy.unlink(missing_ok=True)
        raise
    for number in reversed(range(_ASIDE)):
        with suppress(FileNotFoundError):
            _older(log, number).replace(_older(log, number + 1))


def _older(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
