"""supervisord, which keeps the local processes running: its configuration, and the way to it over its socket."""

import http.client
import os
import shlex
import signal
import subprocess
import sys
import time

# What it parses comes from our own supervisord, over a socket that nobody else can open.
import xmlrpc.client  # nosec B411
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport
from tenacity import RetryError, retry, retry_if_result, stop_after_delay, wait_fixed

from coinsphere.errors import LocalServiceError
from coinsphere.local.processes import Process

_LONGEST_SOCKET_PATH = 100
"""Unix allows 108 bytes; supervisord adds its process id while it makes the socket."""
_SHUTDOWN_SECONDS = 180
_WITHOUT_WAITING = (False,)
OWNER_VARIABLE = "SUPERVISOR_SERVER_URL"
"""supervisord sets it for its processes, and they for theirs."""

_CONFIGURATION = """\
[unix_http_server]
file={folder}/supervisor.sock
chmod=0600

[supervisord]
logfile={folder}/logs/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile={folder}/supervisord.pid
nodaemon=false
minfds=1024
user={user}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
# startretries: after a crash of PostgreSQL the others fail until it is back, and back-off grows by a second each time.
_PROGRAM = """
[program:{name}]
command={python} -m coinsphere.local.launch {name}
directory={directory}
priority={priority}
autostart=false
autorestart=true
startsecs=1
startretries=30
stopsignal={stop_signal}
stopwaitsecs={stop_seconds}
stopasgroup={as_group}
killasgroup=true
redirect_stderr=true
stdout_logfile={folder}/logs/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


@dataclass(frozen=True, slots=True)
class Running:
    """What the supervisor knows of a process: its state in supervisord's words, such as RUNNING, BACKOFF, FATAL."""

    name: str
    state: str
    pid: int | None
    since: datetime | None


class Supervisor:
    """The supervisor of one state folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self._folder / "supervisor.sock"

    def is_running(self) -> bool:
        """Whether it answers."""
        try:
            self._call("getState")
        except LocalServiceError:
            return False
        return True

    def start(self, processes: Sequence[Process]) -> None:
        """Start it, and none of `processes` yet.

        Raises:
            LocalServiceError: it does not come up, or the folder's path is too long for a socket.
        """
        if len(os.fsencode(self.socket)) > _LONGEST_SOCKET_PATH:
            raise LocalServiceError(
                f"The path {self._folder} is too long for a Unix socket: choose a shorter COINSPHERE_HOME."
            )
        configuration = self._folder / "supervisord.conf"
        configuration.write_text(_configuration(self._folder, processes))
        program = Path(sys.executable).parent / "supervisord"
        # It leaves this process by itself, and until then prints what is wrong.
        done = subprocess.run(  # noqa: S603 - our own configuration
            [program, "-c", configuration],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise LocalServiceError(f"The supervisor does not start: {done.stderr.strip()}")
        try:
            _until(self.is_running, 15)
        except RetryError as error:
            raise LocalServiceError(
                f"The supervisor does not start; {self._folder}/logs/supervisord.log says why."
            ) from error

    def start_process(self, name: str) -> None:
        """Start one process without waiting for it; one that runs already is left alone."""
        try:
            self._call("startProcess", name, *_WITHOUT_WAITING)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise LocalServiceError(f"{name} cannot be started: {fault.faultString}") from fault

    def list(self) -> list[Running]:
        """Every process."""
        return [_running(info) for info in self._call("getAllProcessInfo")]

    def pid(self) -> int:
        """The supervisor's own process id."""
        return int(self._call("getPID"))

    def stop(self) -> None:
        """Stop every process, the last started first, and the supervisor; then what a killed one left behind."""
        if self.is_running():
            process = psutil.Process(self.pid())
            self._call("shutdown")
            try:
                process.wait(timeout=_SHUTDOWN_SECONDS)
            except psutil.TimeoutExpired:
                process.kill()
        end_orphans(self._folder)

    def _call(self, method: str, *arguments: object) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except (OSError, http.client.HTTPException) as error:
            raise LocalServiceError(
                f"Nothing runs in {self._folder}: start it with `coinsphere up`."
            ) from error
        finally:
            transport.close()


def end_orphans(folder: Path) -> list[int]:
    """End the processes that a supervisor of `folder` started and did not live to stop; returns their ids."""
    session = _dead_session(folder)
    url = f"unix://{folder / 'supervisor.sock'}"
    orphans = [process for process in psutil.process_iter() if _belongs(process, session, url)]
    for process in orphans:
        # The fast shutdown of PostgreSQL; to the others it is Ctrl-C.
        _quietly(process, lambda each: each.send_signal(signal.SIGINT))
    _, stubborn = psutil.wait_procs(orphans, timeout=20)
    for process in stubborn:
        _quietly(process, lambda each: each.kill())
    psutil.wait_procs(stubborn, timeout=10)
    return [process.pid for process in orphans]


def _dead_session(folder: Path) -> int | None:
    """The session of the last supervisor if it has died: no other process can have come to lead it since."""
    try:
        pid = int((folder / "supervisord.pid").read_text())
    except (OSError, ValueError):
        return None
    try:
        is_dead = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        is_dead = True
    return pid if is_dead else None


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


def _configuration(folder: Path, processes: Sequence[Process]) -> str:
    head = _CONFIGURATION.format(folder=_escaped(folder), user=os.geteuid())
    programs = [
        _PROGRAM.format(
            name=process.name,
            python=shlex.quote(_escaped(Path(sys.executable))),
            directory=_escaped(Path.cwd()),
            folder=_escaped(folder),
            priority=position,
            stop_signal=process.stop_signal,
            stop_seconds=process.stop_seconds,
            # PostgreSQL ends its own children, in its own order.
            as_group=str(process.name != "postgres").lower(),
        )
        for position, process in enumerate(processes, 1)
    ]
    return head + "".join(programs)


def _escaped(path: Path) -> str:
    """`path` as supervisord's configuration reads it: a percent sign begins an expansion."""
    return str(path).replace("%", "%%")


def _running(info: dict[str, Any]) -> Running:
    is_up = info["statename"] in ("STARTING", "RUNNING", "STOPPING")
    since = datetime.fromtimestamp(info["start"], UTC) if is_up and info["start"] else None
    return Running(info["name"], info["statename"], info["pid"] or None, since)


def _until(condition: Callable[[], bool], seconds: float) -> None:
    retry(
        retry=retry_if_result(lambda met: not met),
        stop=stop_after_delay(seconds),
        wait=wait_fixed(0.1),
        sleep=time.sleep,
    )(condition)()
