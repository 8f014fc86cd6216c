"""`coinsphere dbt`: dbt with the environment of the running system. Imports neither Dagster nor dbt."""

import os

import click

from coinsphere.settings import Settings
from orchestration.warehouse import project


def register(cli: click.Group) -> None:
    """Add our commands to `coinsphere`."""
    cli.add_command(dbt)


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def dbt(arguments: tuple[str, ...]) -> None:
    """Run dbt on the warehouse of this system, e.g. `coinsphere dbt build --select marts`.

    All arguments are dbt's own; it runs with the pipeline's database role.
    """
    variables = {**os.environ, **project.by_hand(Settings.from_env())}
    os.execve(project.executable(), ["dbt", *arguments], variables)  # noqa: S606 - no shell
