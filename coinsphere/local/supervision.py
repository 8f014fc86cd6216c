"""Controls supervisord, which keeps the local processes running: writes its configuration, and talks to its socket."""

import http.client
import os
import shlex
import socket
import subprocess
import sys
import time

# What it parses comes from our own supervisord, over a socket that nobody else can open.
import xmlrpc.client  # nosec B411
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport, UnixStreamHTTPConnection
from tenacity import RetryError, retry, retry_if_result, stop_after_delay, wait_fixed

from coinsphere.errors import LocalServiceError
from coinsphere.local import orphans, records
from coinsphere.local.processes import Process
from coinsphere.local.state import State

_LONGEST_SOCKET_PATH = 100
"""Unix allows 108 bytes; supervisord adds its process id while it makes the socket."""
_SHUTDOWN_SECONDS = 180
_WITHOUT_WAITING = (False,)
_ANSWER_SECONDS = 10

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
command=/bin/sh -c {command}
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
stdout_logfile=NONE
"""
_COMMAND = "exec {python} -m coinsphere.local.launch {name} >>{log} 2>&1"
"""Each process writes its log itself: a pipe to the supervisor would end with it."""


@dataclass(frozen=True, slots=True)
class Running:
    """The supervisor's view of a process: its state in supervisord's words, such as RUNNING, BACKOFF, FATAL."""

    name: str
    state: str
    pid: int | None
    since: datetime | None


class _EndsAlreadyError(LocalServiceError):
    """The supervisor is shutting down, and takes no more orders."""


class Supervisor:
    """The supervisor of one state folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self._folder / "supervisor.sock"

    def is_running(self) -> bool:
        """Whether it answers, also while it is being stopped."""
        try:
            self._call("getState")
        except _EndsAlreadyError:
            return True
        except LocalServiceError:
            return False
        return True

    def start(self, processes: Sequence[Process]) -> None:
        """Start the supervisor, but none of `processes` yet.

        Raises:
            LocalServiceError: it does not come up, or the folder's path is too long for a socket.
        """
        if len(os.fsencode(self.socket)) > _LONGEST_SOCKET_PATH:
            raise LocalServiceError(
                f"The path {self._folder} is too long for a Unix socket: choose a shorter COINSPHERE_HOME."
            )
        self._file.write_text(_configuration(self._folder, processes))
        self._launch()

    def include(self, processes: Sequence[Process], name: str) -> None:
        """Add the process called `name` to those configured at the start, without starting it.

        Args:
            processes: all of them now.
            name: of the new one.

        Raises:
            LocalServiceError: it does not answer.
        """
        self._file.write_text(_configuration(self._folder, processes))
        self._call("reloadConfig")
        try:
            self._call("addProcessGroup", name)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_ADDED" not in fault.faultString:
                raise LocalServiceError(f"{name}: {fault.faultString}") from fault

    def revive(self) -> None:
        """Start a killed supervisor again, with a stand-in for each process that outlived it.

        Raises:
            LocalServiceError: it does not come up.
        """
        hung = orphans.noted_supervisor(self._folder)
        if hung is not None and orphans.dead_session(self._folder) is None:
            self._end(hung, 0)
        self._launch()
        for each in self.list():
            self.start_process(each.name)

    def was_killed(self) -> bool:
        """Whether the last one did not end in order, so that its processes may still run."""
        return orphans.dead_session(self._folder) is not None

    def has_ended(self) -> bool:
        """Whether the last one ended in order, or none ever ran."""
        return orphans.noted_supervisor(self._folder) is None

    def was_stopped(self) -> bool:
        """Whether there was one that ended in order, as somebody stopped the system."""
        return self._file.exists() and self.has_ended()

    @property
    def _file(self) -> Path:
        return self._folder / "supervisord.conf"

    def _end(self, pid: int | None, seconds: float) -> None:
        """Wait so long for the supervisor to end by itself, then kill it; None or another's id: there is none."""
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            process = psutil.Process(pid) if pid is not None else None
            if process is None or str(self._file) not in process.cmdline():
                return
            try:
                process.wait(timeout=seconds)
            except psutil.TimeoutExpired:
                process.kill()
                with suppress(psutil.TimeoutExpired):
                    process.wait(timeout=_ANSWER_SECONDS)

    def _launch(self) -> None:
        program = Path(sys.executable).parent / "supervisord"
        # It leaves this process by itself, and until then prints what is wrong.
        done = subprocess.run(  # noqa: S603 - our own configuration
            [program, "-c", self._file],
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
        """The state of every process."""
        return [_running(info) for info in self._call("getAllProcessInfo")]

    def pid(self) -> int:
        """The supervisor's own process id."""
        return int(self._call("getPID"))

    def stop(self) -> None:
        """Stop every process, the last started first, then the supervisor and whatever a killed one left behind.

        One that is being stopped already is waited for.
        """
        noted = orphans.noted_supervisor(self._folder)
        try:
            noted = self.pid()
            self._call("shutdown")
        except _EndsAlreadyError:
            self._end(noted, _SHUTDOWN_SECONDS)
        except LocalServiceError:
            self._end(noted, 0)
        else:
            self._end(noted, _SHUTDOWN_SECONDS)
        orphans.end_orphans(self._folder)

    def _call(self, method: str, *arguments: object) -> Any:
        transport = _Transport(self.socket)
        proxy = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != Faults.SHUTDOWN_STATE:
                raise
            raise _EndsAlreadyError(f"What ran in {self._folder} is being stopped.") from fault
        except (OSError, http.client.HTTPException) as error:
            raise LocalServiceError(self._why(error)) from error
        finally:
            transport.close()

    def _why(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"The supervisor of {self._folder} hangs: run `coinsphere down`, then `coinsphere up`."
        if not self.was_killed():
            return f"Nothing runs in {self._folder}: start it with `coinsphere up`."
        left = len(list(records.all_living(self._folder)))
        return (
            f"The supervisor of {self._folder} was killed, {left} of its processes go on. `watch`, one of them, brings "
            "it back within seconds; `coinsphere up` ends them and starts everything anew."
        )


class _Connection(UnixStreamHTTPConnection):  # type: ignore[misc]  # untyped
    """One that gives up: a supervisor that is stopped still lets connect."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_ANSWER_SECONDS)
        self.sock.connect(self.socketfile)


class _Transport(SupervisorTransport):  # type: ignore[misc]  # untyped
    def __init__(self, path: Path) -> None:
        super().__init__(None, None, f"unix://{path}")
        self._path = path
        self._get_connection = self._connect

    def _connect(self) -> _Connection:
        connection = _Connection("localhost")
        connection.socketfile = str(self._path)
        return connection


def _configuration(folder: Path, processes: Sequence[Process]) -> str:
    head = _CONFIGURATION.format(folder=_escaped(folder), user=os.geteuid())
    programs = [
        _PROGRAM.format(
            name=process.name,
            command=_escaped(shlex.quote(_command(folder, process.name))),
            directory=_escaped(Path.cwd()),
            priority=position,
            stop_signal=process.stop_signal,
            stop_seconds=process.stop_seconds,
            # They end their own children, in their own order.
            as_group=str(process.name not in ("postgres", "api")).lower(),
        )
        for position, process in enumerate(processes, 1)
    ]
    return head + "".join(programs)


def _command(folder: Path, name: str) -> str:
    """What a shell becomes the process by; it adds to the end of the log, wherever that is by now."""
    python, log = shlex.quote(sys.executable), shlex.quote(str(State(folder).logs / f"{name}.log"))
    return _COMMAND.format(python=python, name=name, log=log)


def _escaped(text: object) -> str:
    """A path or a command as supervisord's configuration reads it: a percent sign begins an expansion."""
    return str(text).replace("%", "%%")


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
