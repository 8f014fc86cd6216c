"""Ends a process of `multiprocessing` together with its parent, however the parent ended.

A parent that is killed tells its children nothing: a step would train on beside the retry that took its place, and the
workers of a pool would wait for work for ever.
"""

import multiprocessing
import os
import threading
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

_EXIT_CODE = 1


def end_with_parent() -> None:
    """Watch the parent from a thread, and end this process at once when it is gone; nothing where there is no parent.

    The sentinel of a parent is ready when its process has ended (https://docs.python.org/3/library/multiprocessing.html).
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent,), name="parent", daemon=True).start()


def _watch(parent: BaseProcess) -> None:
    wait([parent.sentinel])
    os._exit(_EXIT_CODE)
