"""A process whose parent is killed ends with it, and so do the processes that it started itself."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_STARTED = """
import multiprocessing, os, sys, time
from ml.training import child_processes

def work(pipe, depth):
    child_processes.end_with_parent()
    pipe.send(os.getpid())
    if depth:
        begin(pipe, depth - 1)
    time.sleep(600)

def begin(pipe, depth):
    multiprocessing.get_context("spawn").Process(target=work, args=(pipe, depth)).start()

if __name__ == "__main__":
    here, there = multiprocessing.Pipe(duplex=False)
    begin(there, 1)
    print(here.recv(), here.recv(), flush=True)
    time.sleep(600)
"""
_POOL = """
import multiprocessing, os, time
from concurrent.futures import ProcessPoolExecutor
from ml.evaluation import walk_forward

def pid(_):
    time.sleep(1)
    return os.getpid()

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        2, context, initializer=walk_forward._initialise, initargs=(None, [], None, [])
    ) as pool:
        print(*set(pool.map(pid, range(4))), flush=True)
        time.sleep(600)
"""


def _is_alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("program", [_STARTED, _POOL], ids=["started", "pool of the walk-forward"])
def test_children_and_grandchildren_end_with_a_parent_that_is_killed(tmp_path, program):
    path = tmp_path / "program.py"
    path.write_text(program, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        children = [int(pid) for pid in parent.stdout.readline().split()]
        assert children
        assert all(_is_alive(pid) for pid in children)
        parent.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 60
    while any(_is_alive(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [pid for pid in children if _is_alive(pid)] == []
