"""`coinsphere run`, `prepare` and `fill`: the system taken apart, for whatever keeps processes running elsewhere.

`coinsphere up` does all of it on one machine. Containers, units of systemd and pods start each process by itself.
"""

import os

import click

from coinsphere.local.processes import APPLICATIONS
from coinsphere.settings import Settings

_SUPERVISED = ("watch",)
"""Only for `coinsphere up`: elsewhere the orchestrator looks after processes."""


def register(cli: click.Group) -> None:
    """Add the commands."""
    for command in (run, prepare, fill):
        cli.add_command(command)


@click.command()
@click.argument(
    "name", type=click.Choice([each for each in APPLICATIONS if each not in _SUPERVISED])
)
def run(name: str) -> None:
    """Become the process NAME, in the foreground, by the settings of the environment; SIGTERM ends it."""
    from coinsphere.local import processes
    from coinsphere.local.state import State

    settings = Settings.from_env()
    process = processes.application(settings, name)
    State(settings.state).prepare()
    if name.startswith("dagster-"):
        processes.write_dagster_files(settings)
    added = processes.variables(process, settings)
    command = list(process.command)
    os.execvpe(command[0], command, {**os.environ, **added})  # noqa: S606 - no shell  # nosec B606


@click.command()
def prepare() -> None:
    """Bring the database to the newest schema, add the seeds, and decide where prices come from; then end."""
    from coinsphere.local import system

    settings = Settings.from_env()
    system.prepare_database(settings, settings.market)
    click.echo("The database is ready.")


@click.command()
def fill() -> None:
    """Fill the price history and run the whole pipeline through Dagster, unless it was done before; then end."""
    from coinsphere.cli.console import console as new_console
    from coinsphere.cli.market import show_import
    from coinsphere.cli.progress import ConsoleProgress
    from coinsphere.local import system

    console = new_console()
    for report in system.fill(Settings.from_env(), ConsoleProgress(console)):
        show_import(console, report)
