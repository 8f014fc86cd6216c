"""Adopts a process whose supervisor was killed: a new supervisor watches this process in its place.

The adopted process goes on serving. Signals of the supervisor are passed on to it. When it has ended this process ends,
and the supervisor starts it anew, as its own child.
"""

import os
import signal
import time

import psutil

_POLL_SECONDS = 0.2


def adopt(process: psutil.Process, seconds: float) -> None:
    """Return once `process` has ended.

    Args:
        process: the one that outlived its supervisor.
        seconds: how long it may take to end when it is told to; then it is killed.
    """
    signals: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: signals.append(received))
    deadline = float("inf")
    while _lives(process):
        if signals:
            _send(process, signals.pop(0))
            deadline = min(deadline, time.monotonic() + seconds)
        if time.monotonic() > deadline:
            _send(process, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _send(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
    if number == signal.SIGKILL:
        # Its children have its group; PostgreSQL's end by themselves.
        _kill_group(process.pid)


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
