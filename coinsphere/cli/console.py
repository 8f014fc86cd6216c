"""The console that commands print tables on."""

import sys

from rich.console import Console

_WIDTH_ELSEWHERE = 160
"""Columns where no terminal tells its width: a log or a pipe has room for every table of ours."""


def console() -> Console:
    """A console on standard output that wraps tables only on a terminal."""
    width = None if sys.stdout.isatty() else _WIDTH_ELSEWHERE
    return Console(soft_wrap=True, width=width)
