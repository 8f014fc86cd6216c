"""Finds and ends processes that a killed supervisor left behind."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import psutil

from coinsphere.local import records

OWNER_VARIABLE = "SUPERVISOR_SERVER_URL"
"""supervisord sets it for its processes, and they for theirs."""


def end_orphans(folder: Path) -> list[int]:
    """End the processes that a killed supervisor of `folder` left behind. Returns their ids."""
    session = dead_session(folder)
    url = f"unix://{folder / 'supervisor.sock'}"
    noted = {process.pid for process in records.all_living(folder)}
    orphans = [
        process
        for process in psutil.process_iter()
        if process.pid in noted or _belongs(process, session, url)
    ]
    for process in orphans:
        # The fast shutdown of PostgreSQL; to the others it is Ctrl-C.
        _quietly(process, lambda each: each.send_signal(signal.SIGINT))
    _, stubborn = psutil.wait_procs(orphans, timeout=20)
    for process in stubborn:
        _quietly(process, lambda each: each.kill())
    psutil.wait_procs(stubborn, timeout=10)
    return [process.pid for process in orphans]


def dead_session(folder: Path) -> int | None:
    """The session of the last supervisor if it was killed: no other process can have come to lead it since.

    One that ends in order takes its file away.
    """
    pid = noted_supervisor(folder)
    if pid is None:
        return None
    try:
        is_dead = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        is_dead = True
    return pid if is_dead else None


def noted_supervisor(folder: Path) -> int | None:
    """The process id that the last supervisor noted; None where it ended in order, or none ever ran."""
    try:
        return int((folder / "supervisord.pid").read_text())
    except (OSError, ValueError):
        return None


def _belongs(process: psutil.Process, session: int | None, url: str) -> bool:
    """Whether a supervisor's session, or a variable of its, tells: PostgreSQL and Redis write over their variables."""
    try:
        if session is not None and os.getsid(process.pid) == session:
            return True
        owner: str | None = process.environ().get(OWNER_VARIABLE)
    except (psutil.Error, OSError):
        return False
    return owner == url


def _quietly(process: psutil.Process, action: Callable[[psutil.Process], object]) -> None:
    """Act on a process that may end at any moment."""
    try:
        action(process)
    except psutil.NoSuchProcess:
        return
