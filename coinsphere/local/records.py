"""Records which process has which name, so that it can be found when its supervisor is gone.

The variables by which a process is told could be written over, as PostgreSQL and Redis do with theirs.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import psutil

_SAME_SECONDS = 0.5


def note(folder: Path, name: str) -> None:
    """Record that this process is the one called `name`, whatever program it becomes."""
    path = _path(folder, name)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    me = psutil.Process()
    path.write_text(json.dumps({"pid": me.pid, "started": me.create_time()}))


def living(folder: Path, name: str) -> psutil.Process | None:
    """The process recorded as `name`, if it lives; its id alone might belong to another by now."""
    try:
        noted = json.loads(_path(folder, name).read_text())
        process = psutil.Process(noted["pid"])
        is_same = abs(process.create_time() - noted["started"]) < _SAME_SECONDS
        return process if is_same and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, LookupError, TypeError, psutil.Error):
        return None


def all_living(folder: Path) -> Iterator[psutil.Process]:
    """Every recorded process that lives."""
    for path in sorted((folder / "run").glob("*.json")):
        process = living(folder, path.stem)
        if process is not None:
            yield process


def _path(folder: Path, name: str) -> Path:
    return folder / "run" / f"{name}.json"
