"""Threads that answer requests. The loop hears of each answer by a call; nobody waits for one, so none has a future and its lock."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from coinsphere import log

Task = Callable[[], None]
_log = log.get("server")


class Threads:
    """Runs tasks in turn on some threads, which start with the first task.

    Args:
        count: of threads.
        name: begins the threads' names.
    """

    def __init__(self, count: int, name: str) -> None:
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._not_started = [
            Thread(target=self._run, name=f"{name}_{number}", daemon=True)
            for number in range(count)
        ]
        self._count = count

    def submit(self, task: Task) -> None:
        """Run a task as soon as a thread is free; what it raises is logged. Called by one thread alone."""
        self._tasks.put(task)
        while self._not_started:
            self._not_started.pop().start()

    def shutdown(self, wait: bool = False) -> None:  # noqa: ARG002 - as gunicorn calls a pool
        """End the threads behind what was submitted."""
        for _ in range(self._count):
            self._tasks.put(None)

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                task()
            except BaseException:  # noqa: BLE001 - the end of a program, too, ends no thread
                _log.exception("Error in a thread")
