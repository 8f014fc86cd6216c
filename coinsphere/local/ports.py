"""Finds TCP ports that are taken, and by which process."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack

import psutil

from coinsphere.errors import LocalServiceError
from coinsphere.local.processes import Process
from coinsphere.settings import Settings, variable


def refuse_taken(processes: Sequence[Process], settings: Settings) -> None:
    """Check that every port that `processes` need is free, those of their metrics too.

    Raises:
        LocalServiceError: names each port that is taken, by whom, and the setting that moves it.
    """
    lines = [
        f"Port {port} of {process.name} is taken by {_holder(port)}: stop that, or choose another port "
        f"in {variable(setting)}."
        for process in processes
        for setting in filter(None, (process.port_setting, process.metrics_setting))
        for port in [getattr(settings, setting)]
        if not _is_free(settings.bind_host, port)
    ]
    if lines:
        raise LocalServiceError("\n".join(lines))


def free(count: int) -> list[int]:
    """So many TCP ports of loopback that were free a moment ago, all of them different."""
    with ExitStack() as sockets:
        probes = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a connection that lingers after its server's end blocks nobody.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _holder(port: int) -> str:
    """The process that listens on `port`, as far as this user may see."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return "another program"
    for connection in connections:
        if connection.laddr and connection.laddr.port == port and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
            except psutil.NoSuchProcess:
                continue
    return "another program"
