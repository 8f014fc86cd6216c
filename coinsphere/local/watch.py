"""Watches the local system from within: restarts processes that hang, and a supervisor that was killed.

`python -m coinsphere.local.watch`, which `coinsphere up` starts last. The supervisor sees that a process ended, not that
it is stuck; and nobody is the supervisor's own.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
from prometheus_client import REGISTRY

from coinsphere import log
from coinsphere.errors import LocalServiceError
from coinsphere.local import liveness, log_files, probes, processes
from coinsphere.local.figures import ProcessFigures
from coinsphere.local.state import State
from coinsphere.local.supervision import Running, Supervisor
from coinsphere.observability import exposition, faults
from coinsphere.settings import Settings

_ROUND_SECONDS = 3.0
_BEAT_SECONDS = 10.0
"""After a beat was seen the next one is looked for."""
_TERM_SECONDS = 5.0
_SUPERVISOR = ("supervisor", 0)

_log = log.get("watch")


@dataclass(slots=True)
class Patience:
    """How long each process, by name and process id, has not answered.

    Attributes:
        seconds: after how long one that has answered before is called hung.
    """

    seconds: float
    _silent_since: dict[tuple[str, int], float] = field(default_factory=dict)
    _answered: set[tuple[str, int]] = field(default_factory=set)

    def is_over(self, key: tuple[str, int], *, answers: bool | None, now: float) -> bool:
        """Record an answer or its lack at the instant `now`, in seconds. Returns whether the process hangs."""
        if answers is not False:
            self._silent_since.pop(key, None)
            if answers:
                self._answered.add(key)
            return False
        since = self._silent_since.setdefault(key, now)
        limit = self.seconds if key in self._answered else max(self.seconds, probes.START_SECONDS)
        return now - since >= limit

    def begin_anew(self, key: tuple[str, int]) -> None:
        """Give a process that was helped as long again."""
        self._silent_since.pop(key, None)


class Watch:
    """The watch of one state folder."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = State(settings.state)
        self._supervisor = Supervisor(settings.state)
        self._patience = Patience(settings.hang_seconds)
        self._askers = ThreadPoolExecutor(len(processes.APPLICATIONS) + 2)
        self._seen: dict[tuple[str, int], bool | None] = {}
        self._beats: dict[tuple[str, int], float] = {}

    def seen(self) -> dict[tuple[str, int], bool | None]:
        """Each process, by name and process id, and whether it answered in the last round."""
        return dict(self._seen)

    def round(self) -> bool:
        """Check everything once. Returns whether to go on; after reviving the supervisor it makes room for its successor."""
        self._folder.beat.touch()
        for path in log_files.bound(self._folder.logs):
            _log.info("log put aside", file=path.name)
        try:
            running = self._supervisor.list()
        except LocalServiceError as error:
            return not self._is_revived(error)
        self._hangs(_SUPERVISOR, answers=True)
        self._seen = dict(self._askers.map(self._ask, running))
        is_running = {each.name for each in running if each.state == "RUNNING"}
        for (name, pid), answers in self._seen.items():
            if pid and name in is_running and self._hangs((name, pid), answers=answers):
                self._help(name, pid)
        return True

    def _ask(self, each: Running) -> tuple[tuple[str, int], bool | None]:
        """In a thread of its own: those that hang together are waited for together."""
        if each.pid is None:
            return (each.name, 0), False
        key, now = (each.name, each.pid), time.monotonic()
        if now - self._beats.get(key, -_BEAT_SECONDS) < _BEAT_SECONDS:
            return key, True
        answers = liveness.answers(each.name, self._settings)
        if answers and each.name in liveness.BEATING:
            self._beats[key] = now
        return key, answers

    def _help(self, name: str, pid: int) -> None:
        """One that was stopped goes on, and nothing that it held is lost; any other is started again."""
        if went_on(pid):
            _log.error("process was stopped, told to go on", process=name, pid=pid)
            self._patience.begin_anew((name, pid))
        else:
            _log.error("process hangs, started again", process=name, pid=pid)
            end(pid, _stop_seconds(name))

    def _is_revived(self, error: LocalServiceError) -> bool:
        hangs = isinstance(error.__cause__, TimeoutError) and self._hangs(
            _SUPERVISOR, answers=False
        )
        if not hangs and not self._supervisor.was_killed():
            return False
        # Whoever starts or stops the system holds the lock, and needs no help.
        with suppress(LocalServiceError), self._folder.locked():
            _log.error(
                "supervisor hangs" if hangs else "supervisor was killed", next="started again"
            )
            self._supervisor.revive()
            return True
        return False

    def _hangs(self, key: tuple[str, int], *, answers: bool | None) -> bool:
        return self._patience.is_over(key, answers=answers, now=time.monotonic())


def went_on(pid: int) -> bool:
    """Tell a process that was stopped, and its children, to go on. Returns whether it was."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_STOPPED:
            for each in [*process.children(recursive=True), process]:
                with suppress(psutil.NoSuchProcess):
                    each.resume()
            return True
    return False


def end(pid: int, seconds: float) -> None:
    """Terminate a process, and kill its group where it does not end; the supervisor starts it again."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.terminate()
        with suppress(psutil.TimeoutExpired):
            process.wait(timeout=seconds)
            return
        for each in [*process.children(recursive=True), process]:
            with suppress(psutil.NoSuchProcess):
                each.kill()


def _stop_seconds(name: str) -> float:
    """A stand-in passes the word on, and itself kills what does not end."""
    processes_of_name = [each for each in processes.table(Settings.from_env()) if each.name == name]
    return processes_of_name[0].stop_seconds + _TERM_SECONDS if processes_of_name else _TERM_SECONDS


def main() -> None:
    """Run the process."""
    settings = Settings.from_env()
    log.configure(settings.log_level)
    faults.start(settings, "watch")
    watch = Watch(settings)
    REGISTRY.register(ProcessFigures(watch.seen))
    exposition.serve(settings, settings.watch_metrics_port)
    while watch.round():
        time.sleep(_ROUND_SECONDS)


if __name__ == "__main__":
    main()
