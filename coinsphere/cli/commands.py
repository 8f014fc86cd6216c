"""The kernel's own sub-commands."""

import click

from coinsphere.cli import audit, config, db, doctor, keys, mail, market, system


def register(cli: click.Group) -> None:
    """Add them to `coinsphere`."""
    for module in (system, doctor, config, db, market, mail, keys, audit):
        module.register(cli)
