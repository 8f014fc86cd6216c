"""Runs one process of the local system in its own environment: `python -m coinsphere.local.launch NAME`.

The supervisor starts every process through this module, so that its configuration file holds no secret.
"""

import os
import sys
from dataclasses import replace

import psutil

from coinsphere.errors import CoinsphereError
from coinsphere.local import ports, processes, records
from coinsphere.local.adoption import adopt
from coinsphere.local.orphans import OWNER_VARIABLE
from coinsphere.settings import Settings

_MOST_LEFTOVERS = 100
_SOONER_SECONDS = 3
"""By so much before the supervisor would kill this process, it kills the one that it adopted."""


def main(name: str) -> None:
    """Replace this process by the one called `name`; one that outlived its supervisor is adopted until it ends.

    Raises:
        LocalServiceError: its port was taken since the system was started; says by whom. Figures alone it can do without.
    """
    settings = Settings.from_env()
    process = next(each for each in processes.table(settings) if each.name == name)
    predecessor = records.living(settings.state, name)
    if predecessor is not None and OWNER_VARIABLE in os.environ:
        adopt(predecessor, process.stop_seconds - _SOONER_SECONDS)
        return
    records.note(settings.state, name)
    if process.port is not None:
        end_leftovers(process.port)
        ports.refuse_taken([replace(process, metrics_setting=None)], settings)
    added = processes.variables(process, settings)
    os.execvpe(process.command[0], list(process.command), {**os.environ, **added})  # noqa: S606 - no shell


def end_leftovers(port: int) -> None:
    """Stop children that a killed predecessor left behind and that still listen on its port.

    MLflow's server and gunicorn's workers outlive a `kill -9` of their parents, and would keep the new one from its
    port. Runs that Dagster's code server had started listen nowhere, and go on.
    """
    for _ in range(_MOST_LEFTOVERS):
        leftover = _listener_of_ours(port)
        if leftover is None:
            return
        leftover.kill()
        psutil.wait_procs([leftover], timeout=1)


def _listener_of_ours(port: int) -> psutil.Process | None:
    """A process of the same supervisor that listens on `port`."""
    owner = os.environ.get(OWNER_VARIABLE)
    try:
        for connection in psutil.net_connections("tcp"):
            address = connection.laddr
            listens = connection.status == psutil.CONN_LISTEN and address and address.port == port
            if owner is None or not listens or connection.pid in (None, os.getpid()):
                continue
            listener = psutil.Process(connection.pid)
            if listener.environ().get(OWNER_VARIABLE) == owner:
                return listener
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return None
    return None


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except CoinsphereError as error:
        sys.exit(str(error))
