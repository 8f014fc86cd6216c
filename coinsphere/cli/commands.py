"""The kernel's own sub-commands."""

import click

from coinsphere.cli import config, db, doctor, mail, market, system


def register(cli: click.Group) -> None:
    """Add them to `coinsphere`."""
    for module in (system, doctor, config, db, market, mail):
        module.register(cli)
