"""What a killed process leaves on its port is ended before its successor starts, and nothing else is."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from coinsphere.local import launch
from coinsphere.local.orphans import OWNER_VARIABLE
from tests.conftest import free_port

_LISTEN = """
import os, socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
if os.fork():
    print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("owner", "is_ended"), [("unix:///ours", True), ("unix:///other", False)])
def test_listeners_of_the_same_supervisor_are_ended(
    monkeypatch, owner: str, is_ended: bool
) -> None:
    monkeypatch.setenv(OWNER_VARIABLE, "unix:///ours")
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", _LISTEN, str(port)],
        env={**os.environ, OWNER_VARIABLE: owner},
        stdout=subprocess.PIPE,
        text=True,
    ) as left:
        assert left.stdout is not None
        assert left.stdout.readline() == "ready\n"
        family = [psutil.Process(left.pid), *psutil.Process(left.pid).children()]
        launch.end_leftovers(port)
        time.sleep(0.2)
        alive = [each for each in family if _lives(each)]
        for each in alive:
            each.kill()
    assert (alive == []) is is_ended


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
