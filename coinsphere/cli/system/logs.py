"""`coinsphere logs`: the logs of the local system's processes."""

import os
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import click

from coinsphere.clock import utc_now
from coinsphere.errors import LocalServiceError
from coinsphere.local import log_lines
from coinsphere.local.log_lines import LEVELS, LineFilter
from coinsphere.settings import Settings

_LAST = 50


@click.command()
@click.argument("name", required=False)
@click.option("-n", "--lines", type=click.IntRange(0), help="How many of the last lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on as lines are written.")
@click.option(
    "--since", metavar="WHEN", help="From an instant on, or for so long: 90s, 15m, 2h, 3d."
)
@click.option("--level", type=click.Choice(LEVELS), help="From this level on.")
@click.option("--request", metavar="ID", help="Of one request, whose answer names it X-Request-ID.")
def logs(
    name: str | None,
    lines: int | None,
    *,
    follow: bool,
    since: str | None,
    level: str | None,
    request: str | None,
) -> None:
    """Show the log of the process NAME, or of all; in the order of time where lines are picked out."""
    paths = _paths(name)
    if since is None and level is None and request is None:
        _show_ends(paths, _LAST if lines is None else lines, follow=follow)
    if follow:
        raise click.UsageError("--follow shows all lines: leave --since, --level, --request out.")
    try:
        instant = None if since is None else log_lines.instant(since, utc_now())
    except ValueError as error:
        raise click.BadParameter(
            f"{since!r} is no instant like 2026-11-28T20:15, and no span like 15m",
            param_hint="--since",
        ) from error
    picked = log_lines.of_files(paths, LineFilter(instant, level, request))
    for line in picked if lines is None else deque(picked, lines):
        for text in line.text.split("\n"):
            click.echo(f"{line.process:<17} {text}")


def _paths(name: str | None) -> list[Path]:
    """The logs of a process, or of all, those that were put aside included."""
    folder = Settings.from_env().state / "logs"
    files = sorted(folder.glob("*.log*"))
    known = sorted({path.name.partition(".log")[0] for path in files})
    if name is not None and name not in known:
        raise click.ClickException(
            f"There is no log of {name!r}; there are: {', '.join(known) or 'none'}."
        )
    if not files:
        raise LocalServiceError(
            f"There are no logs in {folder}: start the system with `coinsphere up`."
        )
    return [path for path in files if name in (None, path.name.partition(".log")[0])]


def _show_ends(paths: Sequence[Path], lines: int, *, follow: bool) -> None:
    """Become `tail`."""
    present = [str(path) for path in paths if path.suffix == ".log"]
    command = ["tail", "-n", str(lines), *(["-F"] if follow else []), *present]
    sys.stdout.flush()
    os.execvp("tail", command)  # noqa: S606, S607 - no shell; every system of ours has tail
