"""Threads that answer requests outlive whatever a request raises."""

from queue import Queue

import pytest

from webapi.server.threads import Threads


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_task_that_raises_ends_no_thread(error):
    done: Queue[str] = Queue()
    threads = Threads(1, "request")

    def fail() -> None:
        raise error

    threads.submit(fail)
    threads.submit(lambda: done.put("the next one"))

    assert done.get(timeout=30) == "the next one"
    threads.shutdown()
